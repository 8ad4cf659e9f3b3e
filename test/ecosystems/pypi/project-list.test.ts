import { describe, expect, test } from "vitest";
import { PypiBench } from "./pypi-fixture.ts";

const LIST = { meta: { "api-version": "1.4", "_last-serial": 9 }, projects: [{ name: "Demo.Pkg", "_last-serial": 9 }, { name: "six" }] };
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";

/** The list is what upstream has at its own address. */
function bench(body: string, contentType = "text/html", limits = {}): PypiBench {
  const made = new PypiBench(limits);
  made.memory.pages.set("https://registry.example/simple/", { contentType, body });
  return made;
}

describe("an answer that is no list of projects", () => {
  test.each([
    ["an error page", '<h1>Sign in</h1><a href="https://login.example/?next=simple">here</a>', "text/html", "UPSTREAM_MALFORMED"],
    ["a project's page", '<a href="six-1.0.tar.gz">six-1.0.tar.gz</a>', "text/html", "UPSTREAM_MALFORMED"],
    ["an error page announced as JSON", "<h1>Error</h1>", JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["an error object", '{"message": "no"}', JSON_TYPE, "UPSTREAM_MALFORMED"],
    ["deep JSON", `{"projects": ${"[".repeat(128)}${"]".repeat(128)}}`, JSON_TYPE, "UPSTREAM_LIMIT"],
    ["deep HTML", "<b>".repeat(200), "text/html", "UPSTREAM_LIMIT"],
    ["plain text", "six", "text/plain", "UPSTREAM_CONTENT_TYPE"],
  ])("%s", async (_what, body, contentType, code) => {
    await expect(bench(body, contentType).get("simple/")).rejects.toMatchObject({ code });
  });

  test("nothing at all", async () => {
    await expect(new PypiBench().get("simple/")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("one byte past the limit", async () => {
    const body = JSON.stringify(LIST);
    expect((await bench(body, JSON_TYPE, { documentBytes: body.length }).page("simple/")).body.length).toBe(body.length);
    const tooSmall = bench(body, JSON_TYPE, { documentBytes: body.length - 1 });
    await expect(tooSmall.get("simple/")).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });
});

describe("the list of projects", () => {
  test("links to our pages, whatever upstream's links and names hold", async () => {
    const made = bench(`<a href="https://elsewhere.example/simple/demo-pkg/">Demo.Pkg</a><a href="/simple/six/">six</a>
      <a href="javascript:alert(1)/">six</a><a href="/x/">&lt;script&gt;</a><a href="/../">..</a><a>a</a><a href="/b/">c</a><a href="/long/">${"x".repeat(5000)}</a>`);
    const html = await made.html("simple/");
    expect(html.match(/<a .*/g)).toEqual(['<a href="demo-pkg/">Demo.Pkg</a><br>', '<a href="six/">six</a><br>']);
    expect(await made.json("simple/")).toEqual({ meta: { "api-version": "1.0" }, projects: [{ name: "Demo.Pkg" }, { name: "six" }] });
  });

  test("is passed on as it is from JSON to JSON, and made HTML of", async () => {
    const projects = [...LIST.projects, { name: "../evil" }, { name: '"><script>' }, 7];
    const made = bench(JSON.stringify({ ...LIST, projects }), JSON_TYPE);
    expect(await made.json("simple/")).toEqual({ ...LIST, projects });
    const html = await made.html("simple/");
    expect(html.match(/<a .*/g)).toEqual(['<a href="demo-pkg/">Demo.Pkg</a><br>', '<a href="six/">six</a><br>']);
  });

  test("of many pieces is whole, with names cut by no border", async () => {
    const names = Array.from({ length: 40_000 }, (_, number) => `project-${number}`);
    const made = bench(names.map((name) => `<a href="/simple/${name}/">${name}</a>`).join("\n"));
    const { projects } = (await made.json("simple/")) as { projects: { name: string }[] };
    expect(projects.map((project) => project.name)).toEqual(names);
  });
});
