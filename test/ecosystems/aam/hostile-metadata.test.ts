import { describe, expect, test } from "vitest";
import { AamBench, FOLDER, integrity, packageObject, REGISTRY, sha256, versionEntry } from "./aam-bench.ts";

const HTTP_PAGE = `${REGISTRY}packages/git-utils`;
const JSON_PAGE = `${FOLDER}packages/git-utils/meta.json`;
const YAML_PAGE = `${FOLDER}packages/git-utils/metadata.yaml`;

const one = (entry: unknown) => ({ name: "git-utils", versions: { "1.0.0": entry }, "dist-tags": {} });
const entry = (more: Record<string, unknown>) => one(versionEntry("git-utils", "1.0.0", more));

describe("a package document that cannot be relied on is an error, not a package", () => {
  test.each([
    ["another package's", { ...one({}), name: "evil" }, "UPSTREAM_MALFORMED"],
    ["nobody's", { versions: {} }, "UPSTREAM_MALFORMED"],
    ["one without versions", { name: "git-utils" }, "UPSTREAM_MALFORMED"],
    ["one with a list of versions", { name: "git-utils", versions: ["1.0.0"] }, "UPSTREAM_MALFORMED"],
    ["one whose version is text", one("1.0.0"), "UPSTREAM_MALFORMED"],
    ["one whose version says it is another", entry({ version: "2.0.0" }), "UPSTREAM_MALFORMED"],
    ["an integrity of the wrong length", entry({ integrity: "sha256-AAAA" }), "UPSTREAM_MALFORMED"],
    ["an integrity without an algorithm", entry({ integrity: sha256("x") }), "UPSTREAM_MALFORMED"],
    ["an integrity of an algorithm that does not exist", entry({ integrity: `sha257-${"A".repeat(43)}=` }), "UPSTREAM_MALFORMED"],
    ["an integrity that is only MD5", entry({ integrity: "md5-1B2M2Y8AsgTpgAmY7PhCfg==" }), "UPSTREAM_MALFORMED"],
    ["an integrity that is no text", entry({ integrity: { sha256: "x" } }), "UPSTREAM_MALFORMED"],
    ["no object", [], "UPSTREAM_MALFORMED"],
    ["no JSON", "<html>", "UPSTREAM_MALFORMED"],
    ["one deeper than the limit", `{"name": "git-utils", "x": ${"[".repeat(129)}${"]".repeat(129)}}`, "UPSTREAM_LIMIT"],
  ])("%s", async (_, document, code) => {
    for (const [upstream, address] of [
      [REGISTRY, HTTP_PAGE],
      [FOLDER, JSON_PAGE],
    ] as const) {
      const bench = new AamBench([upstream]).put(address, document);
      await expect(bench.get("packages/git-utils")).rejects.toMatchObject({ code });
      await expect(bench.resolve("git-utils", "1.0.0")).rejects.toMatchObject({ code });
    }
  });

  test("more versions than the limit", async () => {
    const document = packageObject("git-utils", ["1.0.0", "1.0.1", "1.0.2"]);
    const bench = new AamBench([REGISTRY], { listedFiles: 2 }).put(HTTP_PAGE, document);
    await expect(bench.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
    await expect(new AamBench([REGISTRY], { listedFiles: 3 }).put(HTTP_PAGE, document).get("packages/git-utils")).resolves.toMatchObject({
      kind: "page",
    });
  });

  test("HTML from a registry's address", async () => {
    const bench = new AamBench([REGISTRY]).put(HTTP_PAGE, packageObject("git-utils", ["1.0.0"]), "text/html");
    await expect(bench.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_CONTENT_TYPE" });
  });

  test.each([
    ["another package's", "name: evil\nversions: []", "UPSTREAM_MALFORMED"],
    ["one without versions", "name: git-utils", "UPSTREAM_MALFORMED"],
    ["one version twice", "name: git-utils\nversions: [{version: 1.0.0}, {version: 1.0.0}]", "UPSTREAM_MALFORMED"],
    ["a checksum without an algorithm", `name: git-utils\nversions: [{version: 1.0.0, checksum: ${sha256("x")}}]`, "UPSTREAM_MALFORMED"],
    ["a checksum that is cut short", "name: git-utils\nversions: [{version: 1.0.0, checksum: 'sha256:abcd'}]", "UPSTREAM_MALFORMED"],
    ["a checksum that is a number", "name: git-utils\nversions: [{version: 1.0.0, checksum: 12}]", "UPSTREAM_MALFORMED"],
    ["a tarball elsewhere", "name: git-utils\nversions: [{version: 1.0.0, tarball: /etc/passwd}]", "UPSTREAM_MALFORMED"],
    ["no YAML", "name: [", "UPSTREAM_MALFORMED"],
  ])("in YAML: %s", async (_, document, code) => {
    const bench = new AamBench([FOLDER]).put(YAML_PAGE, document);
    await expect(bench.get("packages/git-utils")).rejects.toMatchObject({ code });
  });
});

describe("where an archive is, is not for its metadata to choose freely", () => {
  test.each([
    ["../../../etc/passwd"],
    ["/etc/passwd"],
    ["file:///etc/passwd"],
    ["versions/../../../../etc/passwd"],
    ["versions/%2e%2e/../../../../x.aam"],
    ["https://registry.example/x.aam"],
    ["//other-host/srv/aam-registry/x.aam"],
    ["versions/1.0.0.aam?x"],
    ["versions/1.0.0.aam#x"],
    ["/srv/aam-registry-of-another/x.aam"],
    ["http://["],
  ])("a folder must not name %s", async (tarball) => {
    const bench = new AamBench([FOLDER]).put(JSON_PAGE, entry({ tarball }));
    await expect(bench.resolve("git-utils", "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test.each([
    ["file:///etc/passwd"],
    ["ftp://registry.example/x"],
    ["javascript:alert(1)"],
    ["data:,x"],
    ["https://user:secret@registry.example/x"],
    ["http://["],
  ])("a registry must not name %s", async (tarball) => {
    const bench = new AamBench([REGISTRY]).put(HTTP_PAGE, entry({ tarball }));
    await expect(bench.resolve("git-utils", "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test.each([
    ["an absolute address", "https://files.example/g.aam", "https://files.example/g.aam"],
    ["an address relative to the document", "git-utils/1.0.0/download", `${REGISTRY}packages/git-utils/1.0.0/download`],
    ["none at all: the protocol's", undefined, `${REGISTRY}packages/git-utils/1.0.0/tarball`],
  ])("a registry may name %s", async (_, tarball, expected) => {
    const bench = new AamBench([REGISTRY]).put(HTTP_PAGE, entry(tarball === undefined ? {} : { tarball }));
    expect((await bench.resolve("git-utils", "1.0.0")).url.href).toBe(expected);
  });
});

test("versions and tags that no route can name are left out, the others stay", async () => {
  const versions = { ...(packageObject("git-utils", ["1.0.0"])["versions"] as object), "1.0": {}, latest: {}, "../x": {}, "v2.0.0": {} };
  const tags = { latest: "1.0.0", gone: "7.0.0", "no tag": "1.0.0", odd: ["1.0.0"], "1.2.3": "1.0.0" };
  const bench = new AamBench([REGISTRY]).put(
    HTTP_PAGE,
    `{"__proto__": {"polluted": true}, ${JSON.stringify({ name: "git-utils", versions, "dist-tags": tags }).slice(1)}`,
  );
  const page = await bench.json("packages/git-utils");
  expect(Object.keys(page["versions"] as object)).toEqual(["1.0.0"]);
  expect(page["dist-tags"]).toEqual({ latest: "1.0.0" });
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

describe("what is claimed for an archive", () => {
  const hex = sha256("git-utils 1.0.0");

  test.each([
    ["base64", { integrity: integrity("git-utils 1.0.0") }, [hex]],
    ["hexadecimal", { integrity: `sha256-${hex}` }, [hex]],
    ["hexadecimal in capitals", { integrity: `sha256-${hex.toUpperCase()}` }, [hex]],
    ["nothing", { integrity: undefined }, []],
    ["null", { integrity: null }, []],
  ])("an integrity in %s", async (_, more, expected) => {
    const bench = new AamBench([REGISTRY]).put(HTTP_PAGE, entry(more));
    expect((await bench.resolve("git-utils", "1.0.0")).claims.map((claim) => claim.hex)).toEqual(expected);
  });

  test("a folder's metadata and its .sha256 file are two claims", async () => {
    const bench = new AamBench([FOLDER])
      .put(JSON_PAGE, entry({}))
      .put(`${FOLDER}packages/git-utils/versions/1.0.0.aam.sha256`, `${"ab".repeat(32)}  1.0.0.aam\n`);
    expect((await bench.resolve("git-utils", "1.0.0")).claims).toEqual([
      { algorithm: "sha256", hex, claimedBy: "the meta.json of git-utils@1.0.0" },
      { algorithm: "sha256", hex: "ab".repeat(32), claimedBy: "the .sha256 file beside git-utils@1.0.0" },
    ]);
  });

  test.each(["", "\n", "1.0.0.aam", `${"ab".repeat(31)}  1.0.0.aam`, "ab".repeat(33), `sha256:${"ab".repeat(32)}`])(
    "a .sha256 file of %j is an error, not the lack of a claim",
    async (text) => {
      const bench = new AamBench([FOLDER]).put(JSON_PAGE, entry({})).put(`${FOLDER}packages/git-utils/versions/1.0.0.aam.sha256`, text);
      await expect(bench.resolve("git-utils", "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    },
  );

  test("an empty checksum in YAML, which turns the client's check off, is no claim", async () => {
    const bench = new AamBench([FOLDER]).put(YAML_PAGE, "name: git-utils\nversions: [{version: 1.0.0, checksum: ''}]");
    expect((await bench.resolve("git-utils", "1.0.0")).claims).toEqual([]);
  });

  test("a reference whose file is another's does not resolve", async () => {
    const bench = new AamBench([FOLDER]).put(JSON_PAGE, entry({}));
    const ref = { repository: "aam", ecosystem: "aam", name: "git-utils", version: "1.0.0", file: "evil-1.0.0.aam" } as const;
    await expect(bench.ecosystem.resolve(bench.repository, ref)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
