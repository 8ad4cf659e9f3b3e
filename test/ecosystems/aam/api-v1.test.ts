import { describe, expect, test } from "vitest";
import type { Evidence } from "../../../src/core/evidence.ts";
import { AamBench, FOLDER, ORIGIN, packageObject, REGISTRY, sha256, versionEntry } from "./aam-bench.ts";

const NAME = "@myorg/code-review";
const PAGE = `${REGISTRY}packages/${NAME}`;
const ref = { repository: "aam", ecosystem: "aam", name: NAME, version: "1.3.0", file: "myorg--code-review-1.3.0.aam" } as const;

function bench(more: Record<string, unknown> = {}): AamBench {
  return new AamBench([REGISTRY]).put(PAGE, packageObject(NAME, ["1.3.0", "2.0.0"], more));
}

const versionWith = (more: Record<string, unknown>): AamBench => bench({ versions: { "1.3.0": versionEntry(NAME, "1.3.0", more) } });

/** A folder with packages `p-00`, `p-01`, … */
function folder(count: number): AamBench {
  const made = new AamBench([FOLDER]);
  const names = Array.from({ length: count }, (_, i) => `p-${String(i).padStart(2, "0")}`);
  const entry = (name: string, index: number): object => ({
    name,
    ...(index === 0 ? { artifactTypes: ["skill"], author: "maker", keywords: ["k"] } : {}),
  });
  made.put(`${FOLDER}index.json`, { formatVersion: 1, packages: names.map(entry) });
  for (const name of names) made.put(`${FOLDER}packages/${name}/meta.json`, packageObject(name, ["1.0.0"]));
  return made;
}

const namesOn = (page: Record<string, unknown>): readonly string[] => (page["packages"] as { name: string }[]).map(({ name }) => name);

test.each(["api/v1/packages", `api/v1/packages/${NAME}/1.3.0/yank`, "api/v1/users/login"])("POST /%s is refused", async (path) => {
  await expect(bench().get(path, { method: "POST" })).rejects.toMatchObject({ code: "METHOD_NOT_ALLOWED" });
});

test("no media type is negotiated: the dialect has one", async () => {
  for (const accept of [undefined, "text/html", "application/vnd.uaaps.v1+json"]) {
    expect(await bench().get(`api/v1/packages/${NAME}`, { accept })).toMatchObject({ contentType: "application/json" });
  }
});

test("a package, its versions newest first", async () => {
  const versions = {
    "1.10.0": versionEntry(NAME, "1.10.0", { publishedAt: "2026-03-01T00:00:00Z", yanked: true }),
    "1.9.0": versionEntry(NAME, "1.9.0", { license: "MIT" }),
    "2.0.0-rc.1": versionEntry(NAME, "2.0.0-rc.1", { publishedAt: undefined }),
  };
  const page = {
    versions,
    "dist-tags": { latest: "1.9.0" },
    description: "reviews",
    keywords: ["a", 7],
    homepage: "https://home.example",
    owners: ["maker"],
  };
  expect(await bench(page).json(`api/v1/packages/${NAME}`)).toEqual({
    name: NAME,
    scope: "myorg",
    description: "reviews",
    author: "maker",
    license: "MIT",
    repository: null,
    homepage: "https://home.example",
    keywords: ["a"],
    latest_version: "1.9.0",
    created_at: "2026-02-20T10:00:00.000Z",
    updated_at: "2026-03-01T00:00:00.000Z",
    owners: ["maker"],
    versions: [
      { version: "2.0.0-rc.1", published_at: null, yanked: false },
      { version: "1.10.0", published_at: "2026-03-01T00:00:00.000Z", yanked: true },
      { version: "1.9.0", published_at: "2026-02-20T10:00:00.000Z", yanked: false },
    ],
  });
});

test("a version, with everything that its publisher left out said to be so", async () => {
  expect(await bench().json(`api/v1/packages/${NAME}/1.3.0`)).toEqual({
    name: NAME,
    scope: "myorg",
    version: "1.3.0",
    description: `${NAME}, 1.3.0`,
    author: "maker",
    license: null,
    repository: null,
    published_at: "2026-02-20T10:00:00.000Z",
    yanked: false,
    checksum: { sha256: sha256(`${NAME} 1.3.0`) },
    signature: null,
    dependencies: {},
    artifacts: { agents: [], skills: [], prompts: [], instructions: [] },
    download_url: `${ORIGIN}/aam/api/v1/packages/${NAME}/1.3.0/download`,
    archive_size: null,
    approval_status: "approved",
    dist_tags: [],
    eval_results: [],
  });
});

test("text of other types than the dialect has is left out, not passed on", async () => {
  const odd = versionWith({
    description: 7,
    license: ["MIT"],
    dependencies: "x",
    artifacts: { skills: ["x", { name: 1 }], prompts: {} },
    eval_results: "x",
  });
  expect(await odd.json(`api/v1/packages/${NAME}/1.3.0`)).toMatchObject({
    description: "",
    license: null,
    dependencies: {},
    artifacts: { skills: [{ name: "", description: "" }], prompts: [] },
    eval_results: [],
  });
});

test("what would be refused is yanked with the reason, and its tag has moved", async () => {
  const marked = bench();
  marked.memory.marked.set("myorg--code-review-2.0.0.aam", "assay: denied: stolen [deny[0]]");
  expect(await marked.json(`api/v1/packages/${NAME}/2.0.0`)).toMatchObject({
    yanked: true,
    yanked_reason: "assay: denied: stolen [deny[0]]",
    deprecated: { message: "assay: denied: stolen [deny[0]]" },
    dist_tags: [],
  });
  expect(await marked.json(`api/v1/packages/${NAME}`)).toMatchObject({ latest_version: "1.3.0" });
  expect(await marked.json(`api/v1/packages/${NAME}/tags`)).toEqual({ package: NAME, tags: { latest: "1.3.0" } });
});

describe("who signed a version", () => {
  const CLAIMED = { signatures: [{ type: "sigstore", identity: "mallory", verified: true }] };
  const passed = (signer: object): Evidence =>
    ({ verifier: "sigstore", subject: "", checkedAt: 0, outcome: { kind: "pass", claims: {}, signer } }) as unknown as Evidence;

  test.each(["signature", "signatures"])("upstream's word for it is never ours: %s", async (field) => {
    const path = field === "signature" ? `api/v1/packages/${NAME}/1.3.0` : `packages/${NAME}/1.3.0`;
    const { [field]: said } = await versionWith(CLAIMED).json(path);
    expect([said].flat()).toEqual([{ type: "sigstore", identity: "mallory", verified: false }]);
  });

  test("is forgotten where we hold the archive and found nothing of it", async () => {
    const held = versionWith(CLAIMED);
    held.memory.admit(ref, "bytes");
    expect(await held.json(`api/v1/packages/${NAME}/1.3.0`)).toMatchObject({ signature: null });
    expect(await held.json(`packages/${NAME}/1.3.0`)).not.toHaveProperty("signatures");
  });

  test.each([
    [
      { kind: "sigstore", trust: "public", issuer: "https://i.example", identity: { type: "email", value: "a@b.example" }, source: {} },
      { type: "sigstore", identity: "a@b.example", issuer: "https://i.example" },
    ],
    [
      { kind: "key", keyId: "k" },
      { type: "sigstore", identity: "k" },
    ],
    [
      { kind: "openpgp", fingerprint: "ab" },
      { type: "gpg", identity: "ab" },
    ],
    [
      { kind: "vsa", keyId: "hq" },
      { type: "registry-attestation", identity: "hq" },
    ],
  ])("is who we verified: %j", async (signer, described) => {
    const held = versionWith(CLAIMED);
    held.memory.admit(ref, "bytes", { evidence: [passed(signer)] });
    const expected = { ...described, verified: true };
    expect(await held.json(`api/v1/packages/${NAME}/1.3.0`)).toMatchObject({ signature: expected });
    expect(await held.json(`packages/${NAME}/1.3.0`)).toMatchObject({ signatures: [expected] });
  });
});

test("the signature answer is that of the other dialect", async () => {
  const bundle = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
  const signed = bench().put(`${PAGE}/1.3.0/signature`, { name: NAME, version: "1.3.0", signatures: [{ type: "sigstore", bundle }] });
  const answer = await signed.json(`api/v1/packages/${NAME}/1.3.0/signature`);
  expect(answer).toMatchObject({ signatures: [{ type: "sigstore", bundle }] });
  expect(await signed.json(`packages/${NAME}/1.3.0/signature`)).toEqual(answer);
});

describe("the list", () => {
  test.each([
    "limit=0",
    "limit=-1",
    "limit=1.5",
    "limit=many",
    "limit=",
    "page=0",
    "page=-1",
    "page=",
    "page=1e3",
    "page=9999999999",
    "type=bundle",
    "type=skills",
    `q=${"a".repeat(201)}`,
  ])("%s makes no sense", async (query) => {
    await expect(folder(1).get(`api/v1/packages?${query}`)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test.each([
    ["", 20, { total: 23, page: 1, pages: 2 }],
    ["page=2", 3, { total: 23, page: 2, pages: 2 }],
    ["page=3", 0, { total: 23, page: 3, pages: 2 }],
    ["page=999999999", 0, { total: 23, page: 999_999_999, pages: 2 }],
    ["limit=7&page=4", 2, { total: 23, page: 4, pages: 4 }],
    ["limit=100", 23, { total: 23, page: 1, pages: 1 }],
    ["limit=101", 23, { total: 23, page: 1, pages: 1 }],
    ["q=P-0", 10, { total: 10, page: 1, pages: 1 }],
    ["q=nothing", 0, { total: 0, page: 1, pages: 0 }],
    ["type=skill", 1, { total: 1, page: 1, pages: 1 }],
    ["type=agent", 0, { total: 0, page: 1, pages: 0 }],
  ])("?%s has %i packages", async (query, count, counted) => {
    const page = await folder(23).json(`api/v1/packages?${query}`);
    expect(page).toMatchObject(counted);
    expect(page["packages"]).toHaveLength(count);
  });

  test("no page is larger than a hundred", async () => {
    expect((await folder(105).json("api/v1/packages?limit=105"))["packages"]).toHaveLength(100);
  });

  test("an entry has the fields of the dialect, and none that nobody said", async () => {
    const { packages } = (await folder(2).json("api/v1/packages")) as { packages: readonly object[] };
    const empty = { scope: "", latest_version: "1.0.0", downloads: null, updated_at: null };
    expect(packages).toEqual([
      { ...empty, name: "p-00", description: "p-00, 1.0.0", author: "maker", keywords: ["k"], artifact_types: ["skill"] },
      { ...empty, name: "p-01", description: "p-01, 1.0.0", author: null, keywords: [], artifact_types: [] },
    ]);
  });

  test("both dialects list the same packages in the same order, with the same latest", async () => {
    const two = folder(5);
    two.memory.marked.set("p-03-1.0.0.aam", "denied");
    const uaaps = (await two.json("packages"))["packages"] as readonly { name: string; latest: string }[];
    const apiV1 = (await two.json("api/v1/packages"))["packages"] as readonly { name: string; latest_version: string }[];
    expect(apiV1.map(({ name, latest_version }) => [name, latest_version])).toEqual(uaaps.map(({ name, latest }) => [name, latest]));
  });

  test("a repository without upstreams says so", async () => {
    for (const path of ["api/v1/packages", "api/v1/packages/nobody"]) {
      await expect(new AamBench([]).get(path)).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
    }
  });
});

describe("the list of a registry that pages by cursor", () => {
  const LIST = `${REGISTRY}packages`;
  /** `count` packages on pages of two, whatever is asked for. */
  function registry(count: number, more: { readonly total?: string } = {}): AamBench {
    const made = new AamBench([FOLDER, REGISTRY]).put(`${FOLDER}index.json`, { packages: [{ name: "local" }] });
    made.put(`${FOLDER}packages/local/meta.json`, packageObject("local", ["1.0.0"]));
    const limits = [1, 200];
    for (const limit of limits) {
      for (let begin = 0; begin < count; begin += 2) {
        const names = [begin, begin + 1].filter((i) => i < count).map((i) => ({ name: `r-${i}`, latest: "1.0.0" }));
        const address = `${LIST}?limit=${limit}${begin === 0 ? "" : `&cursor=${begin}`}`;
        const link = begin + 2 < count ? { link: `<${LIST}?limit=${limit}&cursor=${begin + 2}>; rel="next"` } : {};
        made.lists.set(address, {
          text: JSON.stringify({ packages: names }),
          ...link,
          ...(more.total === undefined ? {} : { totalCount: more.total }),
        });
      }
    }
    return made;
  }

  test("follows the folders', without a gap", async () => {
    const made = registry(5, { total: "5" });
    expect(namesOn(await made.json("api/v1/packages?limit=3"))).toEqual(["local", "r-0", "r-1"]);
    expect(await made.json("api/v1/packages?limit=3&page=2")).toMatchObject({
      packages: [{ name: "r-2" }, { name: "r-3" }, { name: "r-4" }],
      total: 6,
      pages: 2,
    });
    expect(await made.json("api/v1/packages?limit=3&page=3")).toMatchObject({ packages: [], total: 6, pages: 2 });
  });

  test("without a total, says the least that there are, so that there is a next page until the last", async () => {
    const made = registry(5);
    expect(await made.json("api/v1/packages?limit=2")).toMatchObject({
      packages: [{ name: "local" }, { name: "r-0" }],
      total: 4,
      pages: 2,
    });
    expect(await made.json("api/v1/packages?limit=2&page=3")).toMatchObject({
      packages: [{ name: "r-3" }, { name: "r-4" }],
      total: 6,
      pages: 3,
    });
  });

  test("is not read for ever", async () => {
    const made = registry(200);
    await expect(made.get("api/v1/packages?page=100&limit=2")).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(made.listRequests.length).toBeLessThanOrEqual(25);
  });
});

test("a list that is passed on names no version that policy bars by name, in either dialect", async () => {
  const made = new AamBench([REGISTRY]);
  const packages = [
    { name: "git-utils", latest: "2.0.0", versions: ["1.0.0", "1.1.0-rc.1", "2.0.0"] },
    { name: "all-bad", latest: "1.0.0", versions: ["1.0.0"] },
    { name: "no-list", latest: "1.0.0" },
    { name: "fine", latest: "3.0.0", versions: ["3.0.0"] },
  ];
  for (const limit of [50, 200])
    made.lists.set(`${REGISTRY}packages?limit=${limit}`, { text: JSON.stringify({ packages }), totalCount: "4" });
  for (const file of ["git-utils-2.0.0.aam", "all-bad-1.0.0.aam", "no-list-1.0.0.aam"]) made.memory.marked.set(file, "denied");
  expect(await made.json("packages")).toEqual({
    packages: [
      { name: "git-utils", latest: "1.0.0", versions: ["1.0.0", "1.1.0-rc.1"] },
      { name: "all-bad", latest: "1.0.0", versions: [], deprecated: { message: "denied" } },
      { name: "no-list", latest: "1.0.0", deprecated: { message: "denied" } },
      { name: "fine", latest: "3.0.0", versions: ["3.0.0"] },
    ],
  });
  expect(await made.json("api/v1/packages")).toMatchObject({
    packages: [{ latest_version: "1.0.0" }, { deprecated: { message: "denied" } }, {}, { latest_version: "3.0.0" }],
    total: 4,
  });
});

describe("a tag in the place of a version, in UAAPS", () => {
  const tagged = (): AamBench =>
    bench({
      versions: {
        "1.0.0": versionEntry(NAME, "1.0.0"),
        "1.1.0": versionEntry(NAME, "1.1.0", { yanked: true }),
        "1.2.0": versionEntry(NAME, "1.2.0", { deprecated: { message: "old", replacement: "other@^1.0.0" } }),
      },
      "dist-tags": { latest: "1.2.0", stable: "1.0.0", broken: "1.1.0", "audit-log": "1.0.0", tags: "1.0.0" },
    });

  test("that names a yanked version is gone, where the exact version is not", async () => {
    await expect(tagged().get(`packages/${NAME}/broken`)).rejects.toMatchObject({ code: "GONE", detailCode: "PACKAGE_YANKED" });
    expect(await tagged().json(`packages/${NAME}/1.1.0`)).toMatchObject({ yanked: true });
  });

  test("is gone too where it is latest and nothing is left", async () => {
    const none = bench({ versions: { "1.0.0": versionEntry(NAME, "1.0.0", { yanked: true }) }, "dist-tags": { latest: "1.0.0" } });
    await expect(none.get(`packages/${NAME}/latest`)).rejects.toMatchObject({ detailCode: "PACKAGE_YANKED" });
  });

  test("leads to the version, with a warning where that is deprecated", async () => {
    expect(await tagged().json(`packages/${NAME}/stable`)).toEqual(await tagged().json(`packages/${NAME}/1.0.0`));
    expect(await tagged().json(`packages/${NAME}/latest`)).toMatchObject({
      version: "1.2.0",
      warnings: [{ code: "PACKAGE_DEPRECATED", message: "old", replacement: "other@^1.0.0" }],
    });
  });

  test("leads to a version that would be refused, whose archive then tells why", async () => {
    const refused = bench({ versions: { "1.0.0": versionEntry(NAME, "1.0.0") }, "dist-tags": { latest: "1.0.0", stable: "1.0.0" } });
    refused.memory.marked.set("myorg--code-review-1.0.0.aam", "denied");
    expect(await refused.json(`packages/${NAME}/stable`)).toMatchObject({ version: "1.0.0", yanked: true, yankedReason: "denied" });
  });

  test("is none where it is a reserved word", async () => {
    expect(await tagged().json(`packages/${NAME}/dist-tags`)).toEqual({
      name: NAME,
      "dist-tags": { latest: "1.2.0", stable: "1.0.0", broken: "1.1.0" },
    });
    await expect(tagged().get(`packages/${NAME}/tags`)).rejects.toMatchObject({ detailCode: "VERSION_NOT_FOUND" });
  });
});

test("what an error's docs lead to says what its code means", async () => {
  const answer = await bench().get("errors/PACKAGE_YANKED", { accept: "text/html" });
  if (answer.kind !== "plain") throw new Error("expected a text");
  expect(answer.body.toString()).toContain("PACKAGE_YANKED (HTTP 410)");
});

test("a package whose newest version is deprecated is listed with the warning, in both dialects", async () => {
  const deprecated = { message: "old", replacement: "other@^1.0.0" };
  const made = folder(1).put(`${FOLDER}packages/p-00/meta.json`, {
    ...packageObject("p-00", ["1.0.0"]),
    versions: { "1.0.0": versionEntry("p-00", "1.0.0", { deprecated }) },
  });
  for (const path of ["packages", "api/v1/packages"])
    expect(await made.json(path)).toMatchObject({ packages: [{ name: "p-00", deprecated }] });
});
