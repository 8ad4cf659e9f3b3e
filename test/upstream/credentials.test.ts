import { describe, expect, test } from "vitest";
import { addressOf, clientFor, fake } from "./harness.ts";

const DOC = { body: "{}", contentType: "application/json" };
const AUTH = { kind: "bearer", token: "s3cret" } as const;

describe("credentials", () => {
  test.each([
    { name: "bearer", auth: AUTH, sent: "Bearer s3cret" },
    {
      name: "basic",
      auth: { kind: "basic", username: "bob", password: "p:ä" } as const,
      sent: `Basic ${Buffer.from("bob:p:ä").toString("base64")}`,
    },
  ])("are sent to the upstream's own origin: $name", async ({ auth, sent }) => {
    const upstream = await fake();
    upstream.serve("/there", DOC);
    upstream.fault("/here", { kind: "redirect", location: "/there" });
    await clientFor(upstream.url("/"), { auth }).fetch("/here");
    expect(upstream.requests.map(({ headers }) => headers["authorization"])).toEqual([sent, sent]);
  });

  test.each([
    ["another port of the same host", "127.0.0.1"],
    ["another host", "127.0.0.2"],
  ])("are not sent to a listed origin on %s, asked directly or by redirect", async (_, host) => {
    const upstream = await fake();
    const files = await fake({ host });
    files.serve("/x", DOC);
    upstream.fault("/here", { kind: "redirect", location: `${files.origin}/x` });
    const { fetch, open } = clientFor(upstream.url("/"), { auth: AUTH, fileOrigins: [files.origin] });
    await fetch("/here");
    await (await open(files.url("/x"))).bytes[Symbol.asyncIterator]().return?.();
    expect(files.requests).toHaveLength(2);
    for (const request of files.requests) expect(JSON.stringify(request)).not.toContain("s3cret");
  });

  test("are not sent once another origin has sent us back: it chose that address", async () => {
    const upstream = await fake();
    const files = await fake();
    upstream.fault("/here", { kind: "redirect", location: `${files.origin}/x` });
    files.fault("/x", { kind: "redirect", location: upstream.url("/account").href });
    upstream.serve("/account", DOC);
    await clientFor(upstream.url("/"), { auth: AUTH, fileOrigins: [files.origin] }).fetch("/here");
    expect(upstream.requestsFor("/here")[0]?.headers["authorization"]).toBe("Bearer s3cret");
    expect(upstream.requestsFor("/account")[0]?.headers).not.toHaveProperty("authorization");
  });

  test("in a URL from outside are not sent", async () => {
    const upstream = await fake();
    upstream.serve("/x", DOC);
    upstream.fault("/here", { kind: "redirect", location: `http://eve:pw@127.0.0.1:${upstream.port}/x` });
    const { fetch } = clientFor(upstream.url("/"));
    await fetch(`http://eve:pw@127.0.0.1:${upstream.port}/x`);
    const answer = await fetch("/here");
    expect(JSON.stringify(upstream.requests)).not.toContain("authorization");
    expect(addressOf(answer)).toBe(upstream.url("/x").href);
  });
});
