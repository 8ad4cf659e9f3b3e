import { describe, expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import type { DocumentResponse } from "../../../src/core/ports/upstream-client.ts";
import { AamBench, FOLDER, integrity, ORIGIN, packageObject, REGISTRY, sha256 } from "./aam-bench.ts";
import { putApiV1, speakApiV1 } from "./api-v1-upstream.ts";

const NAME = "@myorg/code-review";
const BASE = `${REGISTRY}api/v1/packages`;

const registry = (): AamBench => speakApiV1(new AamBench([REGISTRY]), REGISTRY);
const versionsOf = (page: Record<string, unknown>): readonly string[] => Object.keys(page["versions"] as object);

describe("which dialect an upstream speaks", () => {
  const uaaps = packageObject("git-utils", ["1.0.0"]);

  test("the AAM one, where its list is at /api/v1/packages and nothing else is said", async () => {
    const bench = putApiV1(registry(), REGISTRY, "git-utils", [{ version: "2.0.0" }]).put(`${REGISTRY}packages/git-utils`, uaaps);
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["2.0.0"]);
  });

  test("UAAPS, where it says so at its base address, whatever else it has", async () => {
    const bench = putApiV1(registry(), REGISTRY, "git-utils", [{ version: "2.0.0" }]).put(`${REGISTRY}packages/git-utils`, uaaps);
    bench.put(REGISTRY, { protocol: "uaaps" });
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["1.0.0"]);
    expect(bench.memory.requests.filter((address) => address.includes("/api/v1"))).toEqual([]);
  });

  test.each([
    ["a page for people", "<html>", "text/html"],
    ["JSON of another kind", "{}", "application/json"],
    ["a list", "[]", "application/json"],
  ])("%s at the base address says nothing, and stands in no one's way", async (_, body, type) => {
    const bench = putApiV1(registry(), REGISTRY, "git-utils", [{ version: "2.0.0" }]).put(REGISTRY, body, type);
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["2.0.0"]);
  });

  test("either is tried where neither says so, and only what both lack is not found", async () => {
    const bench = putApiV1(new AamBench([REGISTRY]), REGISTRY, "of-one", [{ version: "2.0.0" }]);
    bench.put(`${REGISTRY}packages/of-other`, packageObject("of-other", ["1.0.0"]));
    expect(versionsOf(await bench.json("packages/of-one"))).toEqual(["2.0.0"]);
    expect(versionsOf(await bench.json("packages/of-other"))).toEqual(["1.0.0"]);
    await expect(bench.get("packages/of-nobody")).rejects.toMatchObject({ detailCode: "PACKAGE_NOT_FOUND" });
  });

  test("what was found out is remembered: no package asks for it again", async () => {
    const bench = putApiV1(registry(), REGISTRY, "git-utils", [{ version: "2.0.0" }]);
    for (const _ of [1, 2, 3]) await bench.json("packages/git-utils");
    expect(bench.memory.requests.filter((address) => address === REGISTRY || address.endsWith("?limit=1"))).toHaveLength(2);
  });

  test.each([
    ["has the package no more", undefined],
    ["has a page for people in its place", "<html>"],
  ])("a registry that speaks another one by now, and %s, is found out", async (_, page) => {
    const bench = new AamBench([REGISTRY])
      .put(REGISTRY, { protocol: "uaaps" })
      .put(`${REGISTRY}packages/other`, packageObject("other", ["1.0.0"]));
    await bench.json("packages/other");
    bench.memory.pages.clear();
    putApiV1(speakApiV1(bench, REGISTRY), REGISTRY, "git-utils", [{ version: "2.0.0" }]);
    if (page !== undefined) bench.put(`${REGISTRY}packages/git-utils`, page, "text/html");
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["2.0.0"]);
  });

  test("a registry that speaks another one by now keeps its names: the next upstream's package is not taken for its own", async () => {
    const bench = new AamBench([REGISTRY, FOLDER])
      .put(REGISTRY, { protocol: "uaaps" })
      .put(`${REGISTRY}packages/other`, packageObject("other", ["1.0.0"]))
      .put(`${FOLDER}packages/git-utils/meta.json`, packageObject("git-utils", ["9.9.9"]));
    await bench.json("packages/other");
    bench.memory.pages.delete(REGISTRY);
    putApiV1(speakApiV1(bench, REGISTRY), REGISTRY, "git-utils", [{ version: "2.0.0" }]);
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["2.0.0"]);
  });

  test("an upstream that is down says nothing about itself, and what is held of it is served", async () => {
    const bench = putApiV1(registry(), REGISTRY, "git-utils", [{ version: "2.0.0" }]);
    await bench.json("packages/git-utils");
    bench.memory.failure = new AssayError("UPSTREAM_UNREACHABLE", "down");
    expect(await bench.get("packages/git-utils")).toMatchObject({ kind: "page", freshness: { stale: "down" } });
    await expect(bench.get("packages/nobody")).rejects.toMatchObject({ code: "UPSTREAM_UNREACHABLE" });
  });

  test("a failing upstream hands its names to no other, whichever dialect it may speak", async () => {
    const bench = new AamBench([REGISTRY, FOLDER]).put(`${FOLDER}packages/git-utils/meta.json`, packageObject("git-utils", ["9.9.9"]));
    bench.put(`${BASE}/git-utils`, "<html>", "text/html");
    await expect(bench.get("packages/git-utils")).rejects.toMatchObject({ code: "UPSTREAM_CONTENT_TYPE" });
  });

  test("the configuration's word counts, and nothing is asked", async () => {
    for (const [dialect, expected] of [
      ["api-v1", "2.0.0"],
      ["uaaps", "1.0.0"],
    ] as const) {
      const bench = new AamBench([{ url: REGISTRY, dialect }]).put(`${REGISTRY}packages/git-utils`, uaaps);
      putApiV1(bench, REGISTRY, "git-utils", [{ version: "2.0.0" }]);
      expect(versionsOf(await bench.json("packages/git-utils"))).toEqual([expected]);
      expect(bench.memory.requests).not.toContain(REGISTRY);
    }
  });

  test("an address that ends in /api/v1/ is one of the dialect", async () => {
    const bench = putApiV1(new AamBench([`${REGISTRY}api/v1/`]), REGISTRY, "git-utils", [{ version: "2.0.0" }]);
    expect(versionsOf(await bench.json("packages/git-utils"))).toEqual(["2.0.0"]);
    expect(bench.memory.requests).not.toContain(`${REGISTRY}api/v1/`);
    expect((await bench.resolve("git-utils", "2.0.0")).url.href).toBe(`${BASE}/git-utils/2.0.0/download`);
  });
});

describe("a document of such a registry that cannot be relied on is an error, not a package", () => {
  const page = (more: object): AamBench => putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }], { ...more });
  const version = (more: object): AamBench => putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0", more: { ...more } }]);

  test.each([
    ["another package's", { name: "evil" }],
    ["one without versions", { versions: undefined }],
    ["one with a map of versions", { versions: {} }],
    ["one version twice", { versions: [{ version: "1.0.0" }, { version: "1.0.0" }] }],
  ])("a package: %s", async (_, more) => {
    await expect(page(more).get(`packages/${NAME}`)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    await expect(page(more).resolve(NAME, "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test.each([
    ["another package's", { name: "evil" }],
    ["another version's", { version: "2.0.0" }],
    ["a checksum that is text", { checksum: sha256("x") }],
    ["a checksum that is cut short", { checksum: { sha256: "abcd" } }],
    ["a checksum that is a number", { checksum: { sha256: 12 } }],
    ["a checksum of an algorithm that does not exist", { checksum: { sha257: sha256("x") } }],
    ["a checksum that is only MD5", { checksum: { md5: "d41d8cd98f00b204e9800998ecf8427e" } }],
    ["two checksums in one", { checksum: { sha256: `${sha256("x")} sha256-${sha256("y")}` } }],
    ["an address of another kind", { download_url: "file:///etc/passwd" }],
    ["an address with a password", { download_url: "https://user:secret@registry.example/x" }],
    ["an address that is none", { download_url: "http://[" }],
    ["an address that is no text", { download_url: 7 }],
  ])("a version: %s", async (_, more) => {
    await expect(version(more).get(`packages/${NAME}/1.0.0`)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
    await expect(version(more).resolve(NAME, "1.0.0")).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test("hides none of the other versions, and the log has it", async () => {
    const bench = putApiV1(registry(), REGISTRY, NAME, [
      { version: "1.0.0" },
      { version: "2.0.0", more: { checksum: { sha256: "abcd" } } },
    ]);
    const { versions } = (await bench.json(`packages/${NAME}`)) as { versions: Record<string, object> };
    expect(versions).toMatchObject({ "1.0.0": { integrity: integrity(`${NAME} 1.0.0`) } });
    expect(versions["2.0.0"]).not.toHaveProperty("integrity");
    expect(bench.memory.warnings).toEqual([{ repository: "aam", package: NAME, version: "2.0.0", code: "UPSTREAM_MALFORMED" }]);
  });

  test.each([
    ["another package's", { package: "evil", tags: {} }],
    ["no map", { package: NAME, tags: [] }],
    ["HTML", "<html>"],
  ])("tags: %s", async (_, body) => {
    const bench = page({}).put(`${BASE}/${NAME}/tags`, body, typeof body === "string" ? "text/html" : undefined);
    await expect(bench.get(`packages/${NAME}/dist-tags`)).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_/) });
  });

  test("more versions than the limit", async () => {
    const bench = speakApiV1(new AamBench([REGISTRY], { listedFiles: 1 }), REGISTRY);
    putApiV1(bench, REGISTRY, NAME, [{ version: "1.0.0" }, { version: "2.0.0" }]);
    await expect(bench.get(`packages/${NAME}`)).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
  });
});

test("a version is what its own document says, in the words of the other dialect", async () => {
  const more = {
    archive_size: 12,
    deprecated: { message: "old" },
    signature: { type: "sigstore", identity: "maker@github", issuer: "https://issuer.example", verified: true },
  };
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }, { version: "1.1.0", more }], {
    tags: { stable: "1.0.0", latest: "1.1.0" },
  });
  expect(await bench.json(`packages/${NAME}/1.1.0`)).toEqual({
    name: NAME,
    version: "1.1.0",
    description: `about ${NAME}`,
    author: "maker",
    license: "MIT",
    keywords: ["k"],
    publishedAt: "2026-02-20T10:00:00Z",
    integrity: integrity(`${NAME} 1.1.0`),
    size: 12,
    tarball: `${ORIGIN}/aam/packages/${NAME}/1.1.0/tarball`,
    signature: `${ORIGIN}/aam/packages/${NAME}/1.1.0/signature`,
    // Upstream's word is that there is one; that it was verified is for us to say.
    signatures: [{ type: "sigstore", identity: "maker@github", issuer: "https://issuer.example", verified: false }],
    yanked: false,
    deprecated: { message: "old" },
    warnings: [{ code: "PACKAGE_DEPRECATED", message: "old" }],
    dependencies: { "git-utils": "^1.0.0" },
    artifacts: { agents: [], skills: [{ name: "review", description: "reviews" }], prompts: [], instructions: [] },
    eval_results: [],
  });
  expect(await bench.json(`packages/${NAME}/dist-tags`)).toEqual({ name: NAME, "dist-tags": { latest: "1.1.0", stable: "1.0.0" } });
  expect(versionsOf(await bench.json(`packages/${NAME}`))).toEqual(["1.1.0", "1.0.0"]);
});

test("an archive resolves with its version's digest, and only that version is read for it", async () => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }, { version: "1.1.0" }]);
  expect(await bench.resolve(NAME, "1.0.0")).toMatchObject({
    url: new URL(`${BASE}/${NAME}/1.0.0/download`),
    claims: [{ algorithm: "sha256", hex: sha256(`${NAME} 1.0.0`), claimedBy: `the metadata of ${NAME}@1.0.0` }],
    publishedAt: Date.UTC(2026, 1, 20, 10),
  });
  expect(bench.memory.requests).not.toContain(`${BASE}/${NAME}/1.1.0`);
});

test.each([
  ["the specification's address is below the configured one", "/api/v1/packages/x/download", `${BASE}/x/download`],
  ["one that climbs stays on the registry's origin", "/api/v1/../../../x", "https://registry.example/x"],
  ["one with a host in its path stays there too", "/api/v1//evil.example/x", `${REGISTRY}api/v1//evil.example/x`],
  ["an absolute one is the upstream client's to judge", "https://files.example/x", "https://files.example/x"],
  ["another path is the host's", "/files/x", "https://registry.example/files/x"],
])("%s", async (_, download_url, expected) => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0", more: { download_url } }]);
  expect((await bench.resolve(NAME, "1.0.0")).url.href).toBe(expected);
});

test.each(["pending", "rejected", 7, "Approved "])("a version whose approval is %j is not there", async (approval_status) => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }, { version: "2.0.0", more: { approval_status } }], {
    tags: { latest: "2.0.0", stable: "1.0.0" },
  });
  await expect(bench.resolve(NAME, "2.0.0")).rejects.toMatchObject({ detailCode: "VERSION_NOT_FOUND" });
  await expect(bench.get(`packages/${NAME}/2.0.0`)).rejects.toMatchObject({ detailCode: "VERSION_NOT_FOUND" });
  expect(await bench.json(`packages/${NAME}`)).toMatchObject({ versions: { "1.0.0": {} }, "dist-tags": { stable: "1.0.0" } });
});

test("a version that is listed and has no document is not there", async () => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }, { version: "2.0.0" }]);
  bench.memory.pages.delete(`${BASE}/${NAME}/2.0.0`);
  await expect(bench.resolve(NAME, "2.0.0")).rejects.toMatchObject({ detailCode: "VERSION_NOT_FOUND" });
});

test("a version is yanked where either document says so", async () => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [
    { version: "1.0.0" },
    { version: "1.1.0", more: { yanked: true } },
    { version: "1.2.0", yanked: true, more: { yanked: false } },
  ]);
  const { versions } = (await bench.json(`packages/${NAME}`)) as { versions: Record<string, { yanked: boolean }> };
  expect(Object.fromEntries(Object.entries(versions).map(([version, { yanked }]) => [version, yanked]))).toEqual({
    "1.0.0": false,
    "1.1.0": true,
    "1.2.0": true,
  });
});

test("without a document of its tags, a registry may still say which version is the latest", async () => {
  const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0" }, { version: "2.0.0" }]);
  bench.memory.pages.delete(`${BASE}/${NAME}/tags`);
  expect(await bench.json(`packages/${NAME}/dist-tags`)).toMatchObject({ "dist-tags": { latest: "2.0.0" } });
});

test("of a package with very many versions the newest have their digest on its page, and each other one on its own", async () => {
  const versions = Array.from({ length: 101 }, (_, i) => ({ version: `1.0.${i}` }));
  const bench = putApiV1(registry(), REGISTRY, NAME, versions);
  const page = (await bench.json(`packages/${NAME}`)) as { versions: Record<string, object> };
  expect(page.versions["1.0.1"]).toHaveProperty("integrity");
  expect(page.versions["1.0.0"]).not.toHaveProperty("integrity");
  expect(await bench.json(`packages/${NAME}/1.0.0`)).toMatchObject({ integrity: integrity(`${NAME} 1.0.0`) });
});

describe("what is signed", () => {
  const SIGNED = { signature: { type: "sigstore", identity: "x", verified: true } };

  test("a summary is no signature: nothing is published, and nothing is missing", async () => {
    const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0", more: SIGNED }]);
    const resolution = await bench.resolve(NAME, "1.0.0");
    expect(await bench.ecosystem.published(bench.repository, resolution)).toMatchObject([{ kind: "absent" }]);
    expect(await bench.json(`api/v1/packages/${NAME}/1.0.0/signature`)).toMatchObject({ signatures: [], attestations: [] });
  });

  test("another Assay has the signatures themselves there", async () => {
    const bundle = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
    const bench = putApiV1(registry(), REGISTRY, NAME, [{ version: "1.0.0", more: SIGNED }]);
    bench.put(`${BASE}/${NAME}/1.0.0/signature`, {
      name: NAME,
      version: "1.0.0",
      signatures: [{ type: "sigstore", bundle }],
      attestations: [],
    });
    const resolution = await bench.resolve(NAME, "1.0.0");
    expect(await bench.ecosystem.published(bench.repository, resolution)).toMatchObject([
      { kind: "published", items: [{ kind: "sigstore" }] },
    ]);
  });
});

describe("its list is passed on", () => {
  const entry = (name: string, more: object = {}): object => ({
    name,
    scope: "",
    description: `about ${name}`,
    author: "maker",
    latest_version: "1.0.0",
    keywords: [],
    artifact_types: ["skill"],
    downloads: 3,
    updated_at: "2026-02-20T10:00:00Z",
    ...more,
  });
  const page = (
    packages: readonly object[],
    of: { total: number; page: number; pages: number },
  ): { readonly text: string } & Partial<DocumentResponse> => ({
    text: JSON.stringify({ packages, ...of }),
  });

  test("in the words of UAAPS, by cursors", async () => {
    const bench = registry();
    bench.lists.set(`${BASE}?q=x&page=1&limit=1`, page([entry("a")], { total: 2, page: 1, pages: 2 }));
    bench.lists.set(`${BASE}?q=x&page=2&limit=1`, page([entry("b")], { total: 2, page: 2, pages: 2 }));
    expect(await bench.json("packages?q=x&limit=1")).toEqual({
      packages: [
        {
          name: "a",
          latest: "1.0.0",
          description: "about a",
          author: "maker",
          keywords: [],
          artifactTypes: ["skill"],
          downloads: 3,
          updatedAt: "2026-02-20T10:00:00Z",
        },
      ],
    });
    const { Link: link = "", ...headers } = await bench.headers("packages?q=x&limit=1");
    expect(headers).toMatchObject({ "X-Total-Count": "2" });
    const next = /^<(.+)>/.exec(link)?.[1]?.slice(`${ORIGIN}/aam/`.length) ?? "";
    expect(await bench.json(next)).toMatchObject({ packages: [{ name: "b" }] });
    expect(await bench.headers(next)).not.toHaveProperty("Link");
  });

  test("in its own words, by pages and by type", async () => {
    const bench = registry();
    const all = Array.from({ length: 101 }, (_, i) => entry(`p-${i}`));
    bench.lists.set(`${BASE}?type=skill&page=1&limit=100`, page(all.slice(0, 100), { total: 101, page: 1, pages: 2 }));
    bench.lists.set(`${BASE}?type=skill&page=2&limit=100`, page(all.slice(100), { total: 101, page: 2, pages: 2 }));
    expect(await bench.json("api/v1/packages?type=skill&limit=2&page=2")).toMatchObject({
      packages: [entry("p-2"), entry("p-3")],
      total: 101,
      page: 2,
      pages: 51,
    });
    expect(await bench.json("api/v1/packages?type=skill&limit=3&page=34")).toMatchObject({ packages: [entry("p-99"), entry("p-100")] });
  });

  test.each(["category=qa", "sort=name"])("%s cannot be asked of it, and that is said", async (query) => {
    await expect(registry().get(`packages?${query}`)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("another registry's cursor is none of its own", async () => {
    const cursor = Buffer.from(JSON.stringify([0, "abc"])).toString("base64url");
    await expect(registry().get(`packages?cursor=${cursor}`)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("one that never ends, ends", async () => {
    const bench = registry();
    bench.lists.set(`${BASE}?page=1&limit=50`, page([], { total: 1, page: 1, pages: 999_999 }));
    expect(await bench.headers("packages")).not.toHaveProperty("Link");
  });
});
