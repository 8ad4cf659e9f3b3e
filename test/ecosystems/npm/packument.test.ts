import { describe, expect, test } from "vitest";
import { createNpm } from "../../../src/ecosystems/npm/index.ts";
import { NpmBench, REPOSITORY, request } from "./npm-bench.ts";
import { INTEGRITY, manifest, packument, SHA1 } from "./published.ts";

const ABBREVIATED = "application/vnd.npm.install-v1+json";

async function page(registry: NpmBench, path: string, accept = "application/json") {
  const answer = await createNpm(registry.services()).handle(REPOSITORY, request(path, { accept }));
  if (answer.kind !== "page") throw new Error(`expected a page, got ${answer.kind}`);
  return { ...answer, text: answer.body.toString(), json: JSON.parse(answer.body.toString()) };
}

describe("an answer that is no packument of the package is an upstream failure, and nothing of it is listed", () => {
  const good = packument("pkg", [manifest("pkg", "1.0.0")]);
  const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
  test.each([
    { attack: "HTML with 200", body: "<!DOCTYPE html><title>Log in</title>", contentType: "text/html", code: "UPSTREAM_CONTENT_TYPE" },
    { attack: "HTML as JSON", body: "<!DOCTYPE html>", code: "UPSTREAM_MALFORMED" },
    { attack: "a list", body: "[]", code: "UPSTREAM_MALFORMED" },
    { attack: "cut JSON", body: JSON.stringify(good).slice(0, -20), code: "UPSTREAM_MALFORMED" },
    { attack: "two documents", body: `${JSON.stringify(good)}${JSON.stringify(good)}`, code: "UPSTREAM_MALFORMED" },
    { attack: "an error object", body: '{"error":"not found"}', code: "UPSTREAM_MALFORMED" },
    { attack: "another package", body: JSON.stringify({ ...good, name: "other" }), code: "UPSTREAM_MALFORMED" },
    { attack: "other letters", body: JSON.stringify({ ...good, name: "PKG" }), code: "UPSTREAM_MALFORMED" },
    { attack: "a name twice", body: `{"name":"pkg",${JSON.stringify({ ...good, name: "other" }).slice(1)}`, code: "UPSTREAM_MALFORMED" },
    { attack: "versions as a list", body: JSON.stringify({ ...good, versions: [] }), code: "UPSTREAM_MALFORMED" },
    { attack: "deep nesting in a version", body: JSON.stringify(good).replace('"^1.0.0"', deep), code: "UPSTREAM_LIMIT" },
    { attack: "deep nesting beside versions", body: JSON.stringify(good).replace('"long"', deep), code: "UPSTREAM_LIMIT" },
    { attack: "broken JSON inside a version", body: JSON.stringify(good).replace('"^1.0.0"', "tru"), code: "UPSTREAM_MALFORMED" },
    { attack: "broken JSON beside versions", body: JSON.stringify(good).replace('"long"', "[1 2]"), code: "UPSTREAM_MALFORMED" },
  ])("$attack: $code", async ({ body, contentType = "application/json", code }) => {
    const registry = new NpmBench();
    registry.serve("pkg", { body, contentType });
    await expect(page(registry, "pkg")).rejects.toMatchObject({ code });
    expect(await registry.services().index.files("npm", "pkg")).toEqual([]);
  });

  test("one version more than limits.listedFiles", async () => {
    const published = (count: number) => {
      const registry = new NpmBench({ listedFiles: 30 });
      registry.serveJson(
        "pkg",
        packument(
          "pkg",
          Array.from({ length: count }, (_, i) => manifest("pkg", `${i}.0.0`)),
        ),
      );
      return registry;
    };
    expect(Object.keys((await page(published(30), "pkg")).json.versions)).toHaveLength(30);
    await expect(page(published(31), "pkg")).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });

  test("200,001 versions, by the default limit", async () => {
    const registry = new NpmBench();
    const versions = Array.from({ length: 200_001 }, (_, i) => `"${i}.0.0":{}`).join(",");
    registry.serve("pkg", { body: `{"name":"pkg","versions":{${versions}}}`, contentType: "application/json" });
    await expect(page(registry, "pkg")).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });
});

describe("a version that cannot be fetched or checked is left out and logged; the others stay", () => {
  test.each([
    { attack: "javascript: URL", bad: manifest("pkg", "2.0.0", {}, { tarball: "javascript:alert(1)" }) },
    { attack: "file: URL", bad: manifest("pkg", "2.0.0", {}, { tarball: "file:///etc/passwd" }) },
    { attack: "relative URL", bad: manifest("pkg", "2.0.0", {}, { tarball: "/pkg/-/pkg-2.0.0.tgz" }) },
    { attack: "URL with credentials", bad: manifest("pkg", "2.0.0", {}, { tarball: "https://a:b@registry.example/pkg-2.0.0.tgz" }) },
    { attack: "URL with a user", bad: manifest("pkg", "2.0.0", {}, { tarball: "https://a@registry.example/pkg-2.0.0.tgz" }) },
    { attack: "endless URL", bad: manifest("pkg", "2.0.0", {}, { tarball: `https://registry.example/${"a".repeat(4100)}.tgz` }) },
    { attack: "URL that is a list", bad: manifest("pkg", "2.0.0", {}, { tarball: ["https://registry.example/pkg-2.0.0.tgz"] }) },
    { attack: "no URL", bad: manifest("pkg", "2.0.0", {}, { tarball: undefined }) },
    { attack: "short sha512", bad: manifest("pkg", "2.0.0", {}, { integrity: "sha512-AAAA" }) },
    { attack: "one good and one bad digest", bad: manifest("pkg", "2.0.0", {}, { integrity: `${INTEGRITY} sha1-AAAA` }) },
    { attack: "integrity that is a list", bad: manifest("pkg", "2.0.0", {}, { integrity: [INTEGRITY] }) },
    { attack: "shasum that is none", bad: manifest("pkg", "2.0.0", {}, { shasum: "../../etc" }) },
    { attack: "version __proto__", bad: manifest("pkg", "__proto__", { version: "__proto__" }) },
    { attack: "version constructor", bad: manifest("pkg", "constructor") },
    { attack: "version with a path", bad: manifest("pkg", "2.0.0/../../x") },
    { attack: "version with a line break", bad: manifest("pkg", "2.0.0\r\nX: y") },
  ])("$attack", async ({ bad }) => {
    const registry = new NpmBench();
    const versions = `{${JSON.stringify(bad["version"])}:${JSON.stringify(bad)},"1.0.0":${JSON.stringify(manifest("pkg", "1.0.0"))}}`;
    registry.serve("pkg", { body: `{"name":"pkg","versions":${versions}}`, contentType: "application/json" });
    expect(Object.keys((await page(registry, "pkg")).json.versions)).toEqual(["1.0.0"]);
    expect((await registry.services().index.files("npm", "pkg")).map((file) => file.version)).toEqual(["1.0.0"]);
    expect(registry.warnings).toHaveLength(1);
  });

  test("dist that is no object", async () => {
    const registry = new NpmBench();
    registry.serveJson(
      "pkg",
      packument("pkg", [
        { name: "pkg", version: "1.0.0", dist: "x" },
        { name: "pkg", version: "1.1.0" },
      ]),
    );
    expect((await page(registry, "pkg")).json.versions).toEqual({});
  });
});

describe("keys that are names of Object.prototype are text like any other", () => {
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("%s as a version or tag is not found", async (selector) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
    await expect(page(registry, `pkg/${selector}`)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a tag called __proto__ is a tag", async () => {
    const registry = new NpmBench();
    const body = JSON.stringify(packument("pkg", [manifest("pkg", "1.0.0")])).replace('"latest":', '"__proto__":');
    registry.serve("pkg", { body, contentType: "application/json" });
    expect((await page(registry, "pkg/__proto__")).json.version).toBe("1.0.0");
    expect((await page(registry, "-/package/pkg/dist-tags")).text).toBe('{"__proto__":"1.0.0"}');
  });

  test("a package called constructor is served", async () => {
    const registry = new NpmBench();
    registry.serveJson("constructor", packument("constructor", [manifest("constructor", "1.0.0")]));
    expect((await page(registry, "constructor")).json.name).toBe("constructor");
  });

  test("a __proto__ within a manifest is passed on and pollutes nothing", async () => {
    const registry = new NpmBench();
    const body = JSON.stringify(packument("pkg", [manifest("pkg", "1.0.0", {}, { x: 1 })])).replaceAll(
      '"x":1',
      '"__proto__":{"polluted":true}',
    );
    registry.serve("pkg", { body, contentType: "application/json" });
    expect((await page(registry, "pkg")).text).toContain('"__proto__":{"polluted":true}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("the full packument", () => {
  test("differs from upstream's in the addresses of archives and attestations only", async () => {
    const registry = new NpmBench();
    const attestations = { url: "https://registry.example/-/npm/v1/attestations/@s%2fpkg@1.0.0", provenance: { predicateType: "p" } };
    const extras = { signatures: [{ keyid: "k", sig: "s" }], unpackedSize: 9007199254740991, attestations };
    const upstream = packument("@s/pkg", [manifest("@s/pkg", "1.0.0", { unknown: { field: [1, null] } }, extras)], { "10": "a", b: "ü" });
    registry.serveJson("@s%2fpkg", upstream);
    const { json, contentType, varies, name } = await page(registry, "@s%2fpkg");
    const expected = structuredClone(upstream) as { versions: Record<string, { dist: Record<string, unknown> }> };
    Object.assign(expected.versions["1.0.0"]?.dist ?? {}, {
      tarball: "http://mirror.example/npm/@s/pkg/-/pkg-1.0.0.tgz",
      attestations: { ...attestations, url: "http://mirror.example/npm/-/npm/v1/attestations/@s%2fpkg@1.0.0" },
    });
    expect(json).toEqual(expected);
    expect({ contentType, varies, name }).toEqual({
      contentType: "application/json",
      varies: { accept: true, origin: true },
      name: "@s/pkg",
    });
  });

  test("keeps numbers that JavaScript cannot hold", async () => {
    const registry = new NpmBench();
    const body = JSON.stringify(packument("pkg", [manifest("pkg", "1.0.0")])).replace('"long"', "12345678901234567890.10");
    registry.serve("pkg", { body, contentType: "application/json" });
    expect((await page(registry, "pkg")).text).toContain('"readme":12345678901234567890.10');
  });

  test("a key that stands twice is sent once, with the value that counted for us", async () => {
    const registry = new NpmBench();
    const evil = JSON.stringify({ tarball: "https://evil.example/pkg-1.0.0.tgz", integrity: INTEGRITY });
    const body = JSON.stringify(packument("pkg", [manifest("pkg", "1.0.0")])).replace('"dist":', `"dist":${evil},"dist":`);
    registry.serve("pkg", { body, contentType: "application/json" });
    const { text } = await page(registry, "pkg");
    expect(text).not.toContain("evil.example");
    expect(text.match(/"dist":/g)).toHaveLength(1);
  });

  test("a package whose versions were all unpublished keeps its page", async () => {
    const registry = new NpmBench();
    registry.serveJson("pkg", { name: "pkg", time: { unpublished: { time: "2020-01-01T00:00:00.000Z" } } });
    expect((await page(registry, "pkg")).json).toEqual({ name: "pkg", time: { unpublished: { time: "2020-01-01T00:00:00.000Z" } } });
  });
});

describe("the abbreviated packument", () => {
  test("has what an installer needs, and the times", async () => {
    const registry = new NpmBench();
    const needed = {
      bin: { pkg: "cli.js" },
      peerDependenciesMeta: {},
      os: ["linux"],
      libc: ["glibc"],
      deprecated: "old",
      _hasShrinkwrap: false,
    };
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", { ...needed, scripts: { postinstall: "run" }, author: "x" })]));
    const { json, contentType } = await page(registry, "pkg", ABBREVIATED);
    expect(contentType).toBe(ABBREVIATED);
    expect(json).toEqual({
      name: "pkg",
      modified: "2024-02-03T04:05:06.000Z",
      "dist-tags": { latest: "1.0.0" },
      time: { modified: "2024-02-03T04:05:06.000Z", "1.0.0": "2024-01-01T00:00:00.000Z" },
      versions: {
        "1.0.0": {
          name: "pkg",
          version: "1.0.0",
          dependencies: { other: "^1.0.0" },
          ...needed,
          hasInstallScript: true,
          dist: { tarball: "http://mirror.example/npm/pkg/-/pkg-1.0.0.tgz", integrity: INTEGRITY, shasum: SHA1 },
        },
      },
    });
  });

  test.each([
    { scripts: { preinstall: "x" }, expected: true },
    { scripts: { install: "x" }, expected: true },
    { scripts: { test: "x", prepare: "x" }, expected: undefined },
    { scripts: { postinstall: "" }, expected: undefined },
    { scripts: ["postinstall"], expected: undefined },
    { scripts: null, expected: undefined },
  ])("scripts $scripts: hasInstallScript $expected", async ({ scripts, expected }) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0", { scripts })]));
    expect((await page(registry, "pkg", ABBREVIATED)).json.versions["1.0.0"].hasInstallScript).toBe(expected);
  });

  test.each([
    { accept: `${ABBREVIATED}; q=1.0, application/json; q=0.8, */*`, abbreviated: true },
    { accept: `application/json; q=0.5, ${ABBREVIATED}; q=0.9`, abbreviated: true },
    { accept: `application/json, ${ABBREVIATED}; q=0.9`, abbreviated: false },
    { accept: `${ABBREVIATED}; q=0, */*`, abbreviated: false },
    { accept: "*/*", abbreviated: false },
    { accept: "text/html", abbreviated: false },
    { accept: "", abbreviated: false },
    { accept: "not a media type;;;", abbreviated: false },
    { accept: undefined, abbreviated: false },
  ])("Accept $accept: abbreviated $abbreviated", async ({ accept, abbreviated }) => {
    const registry = new NpmBench();
    registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0")]));
    const answer = await createNpm(registry.services()).handle(REPOSITORY, request("pkg", { accept }));
    expect(answer).toMatchObject({ contentType: abbreviated ? ABBREVIATED : "application/json" });
  });

  test("is passed on as such where upstream has no other", async () => {
    const registry = new NpmBench();
    registry.serve("pkg", { body: JSON.stringify(packument("pkg", [manifest("pkg", "1.0.0")])), contentType: ABBREVIATED });
    expect((await page(registry, "pkg")).contentType).toBe(ABBREVIATED);
  });
});

test.each([
  { path: "pkg/1.0.0", version: "1.0.0" },
  { path: "pkg/latest", version: "2.0.0" },
])("$path is the whole manifest of $version", async ({ path, version }) => {
  const registry = new NpmBench();
  registry.serveJson("pkg", packument("pkg", [manifest("pkg", "1.0.0"), manifest("pkg", "2.0.0")]));
  const { json, varies } = await page(registry, path);
  expect(json).toMatchObject({ version, description: "for people, not for installers" });
  expect(json.dist.tarball).toBe(`http://mirror.example/npm/pkg/-/pkg-${version}.tgz`);
  expect(varies).toEqual({ accept: false, origin: true });
});
