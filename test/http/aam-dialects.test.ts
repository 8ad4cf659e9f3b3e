import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildAam } from "../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { publishAams } from "../support/releases.ts";

const NAME = "git-utils";
const POLICY = `version: 1
deny:
  - {purl: "pkg:aam/${NAME}@3.0.0", reason: stolen}
`;

let upstream: FakeUpstream;
let mirror: MirrorBench;
let folder: string;

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const archive = (name: string, version: string): Buffer => buildAam({ name, version }).bytes;

/** One mirror of two registries that have the same packages: `/aam` of one that speaks UAAPS, `/other` of one that speaks the AAM dialect. */
beforeAll(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), "assay-dialects-"));
  writeFileSync(join(folder, "policy.yaml"), POLICY);
  publishAams(upstream, NAME, [{ version: "1.0.0" }, { version: "2.0.0" }, { version: "3.0.0" }]);
  publishApiV1(NAME, ["1.0.0", "2.0.0", "3.0.0"]);
  upstream.serve("/aam/packages", {
    contentType: "application/json",
    headers: { "x-total-count": "1" },
    body: JSON.stringify({ packages: [{ name: NAME, latest: "3.0.0", versions: ["1.0.0", "2.0.0", "3.0.0"] }] }),
  });
  mirror = await startMirror({
    config: `
policy: ${join(folder, "policy.yaml")}
repositories:
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/"}]}
  - {name: other, ecosystem: aam, upstreams: [{url: "${upstream.origin}/other/"}]}
`,
  });
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** A registry of the AAM dialect at `/other/`. */
function publishApiV1(name: string, versions: readonly string[]): void {
  const json = (path: string, value: unknown): void =>
    void upstream.serve(`/other/api/v1/packages${path}`, { contentType: "application/json", body: JSON.stringify(value) });
  const summary = { name, scope: "", description: "", latest_version: versions.at(-1), keywords: [], artifact_types: [] };
  json("", { packages: [summary], total: 1, page: 1, pages: 1 });
  json(`/${name}`, {
    name,
    latest_version: versions.at(-1),
    versions: versions.map((version) => ({ version, published_at: "2024-01-01T00:00:00Z", yanked: false })),
  });
  json(`/${name}/tags`, { package: name, tags: { latest: versions.at(-1) } });
  for (const version of versions) {
    const bytes = archive(name, version);
    json(`/${name}/${version}`, {
      name,
      version,
      published_at: "2024-01-01T00:00:00Z",
      yanked: false,
      checksum: { sha256: sha256(bytes) },
    });
    upstream.serve(`/other/api/v1/packages/${name}/${version}/download`, { body: bytes });
  }
}

const json = async (response: Response): Promise<Record<string, unknown>> => (await response.json()) as Record<string, unknown>;

/** Every GET of both dialects, in a repository of either kind of upstream. */
const ENDPOINTS = ["aam", "other"].flatMap((mount) =>
  [
    "",
    "errors/FORBIDDEN",
    "packages",
    `packages/${NAME}`,
    `packages/${NAME}/1.0.0`,
    `packages/${NAME}/latest`,
    `packages/${NAME}/dist-tags`,
    `packages/${NAME}/1.0.0/signature`,
    `packages/${NAME}/1.0.0/tarball`,
    "api/v1/packages",
    `api/v1/packages/${NAME}`,
    `api/v1/packages/${NAME}/versions`,
    `api/v1/packages/${NAME}/tags`,
    `api/v1/packages/${NAME}/1.0.0`,
    `api/v1/packages/${NAME}/1.0.0/signature`,
    `api/v1/packages/${NAME}/1.0.0/download`,
  ].map((path) => `/${mount}/${path}`),
);

test.each(ENDPOINTS)("GET and HEAD of %s agree, and who has it already is told so", async (path) => {
  // The archive's first answer is on its way while it is checked, and has no validator yet.
  await (await mirror.get(path)).arrayBuffer();
  const got = await mirror.get(path);
  const body = Buffer.from(await got.arrayBuffer());
  expect(got.status).toBe(200);
  const etag = got.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[^"]+"$/);
  const head = await mirror.get(path, { method: "HEAD" });
  expect([head.status, head.headers.get("etag"), (await head.arrayBuffer()).byteLength]).toEqual([200, etag, 0]);
  for (const [header, status] of [
    [etag, 304],
    [`W/${etag}`, 304],
    ["*", 304],
    [`"x", ${etag}`, 304],
    ['"x"', 200],
  ] as const) {
    const again = await mirror.get(path, { headers: { "if-none-match": header } });
    expect([header, again.status]).toEqual([header, status]);
    expect((await again.arrayBuffer()).byteLength).toBe(status === 304 ? 0 : body.length);
  }
});

test.each(["/aam", "/other"])("%s: an archive is the same by either dialect, and its digest is told with it", async (mount) => {
  const answers = await Promise.all([
    mirror.get(`${mount}/packages/${NAME}/1.0.0/tarball`),
    mirror.get(`${mount}/api/v1/packages/${NAME}/1.0.0/download`),
  ]);
  const expected = archive(NAME, "1.0.0");
  for (const answer of answers) {
    expect(Buffer.from(await answer.arrayBuffer()).equals(expected)).toBe(true);
    expect(answer.headers.get("x-checksum-sha256")).toBe(sha256(expected));
    expect(answer.headers.get("content-type")).toBe("application/gzip");
  }
  expect(
    upstream.requestsFor(mount === "/aam" ? `/aam/packages/${NAME}/1.0.0/tarball` : `/other/api/v1/packages/${NAME}/1.0.0/download`),
  ).toHaveLength(1);
});

describe.each(["/aam", "/other"])("%s: what policy denies", (mount) => {
  test("is refused by either dialect, in its own words", async () => {
    const uaaps = await mirror.get(`${mount}/packages/${NAME}/3.0.0/tarball`);
    const apiV1 = await mirror.get(`${mount}/api/v1/packages/${NAME}/3.0.0/download`);
    expect([uaaps.status, apiV1.status]).toEqual([403, 403]);
    expect(await json(uaaps)).toMatchObject({ error: { code: "FORBIDDEN", reason: "DENIED", message: expect.stringContaining("stolen") } });
    expect(await json(apiV1)).toMatchObject({ error: "forbidden", reason: "DENIED", message: expect.stringContaining("stolen") });
  });

  test("is what no list, tag or page leads to", async () => {
    expect(await json(await mirror.get(`${mount}/packages`))).toMatchObject({
      packages: [{ name: NAME, latest: mount === "/aam" ? "2.0.0" : "3.0.0" }],
    });
    expect(await json(await mirror.get(`${mount}/packages/${NAME}/latest`))).toMatchObject({ version: "2.0.0" });
    expect(await json(await mirror.get(`${mount}/api/v1/packages/${NAME}`))).toMatchObject({ latest_version: "2.0.0" });
    expect(await json(await mirror.get(`${mount}/api/v1/packages/${NAME}/tags`))).toMatchObject({ tags: { latest: "2.0.0" } });
    expect(await json(await mirror.get(`${mount}/api/v1/packages/${NAME}/3.0.0`))).toMatchObject({
      yanked: true,
      yanked_reason: expect.stringContaining("stolen"),
    });
  });
});

test("errors have the shape of the dialect that was asked in, whatever the Accept header says, also of a path that cannot be read", async () => {
  const cases = [
    ["/aam/packages/nobody", 404, "PACKAGE_NOT_FOUND"],
    ["/aam/packages/nobody/9.9.9", 404, "PACKAGE_NOT_FOUND"],
    [`/aam/packages/${NAME}/9.9.9`, 404, "VERSION_NOT_FOUND"],
    [`/aam/packages/${NAME}/nightly`, 404, "TAG_NOT_FOUND"],
    ["/aam/packages?limit=0", 400, "BAD_REQUEST"],
    ["/aam/packages/%00", 400, "BAD_REQUEST"],
    ["/aam/approvals", 404, "PACKAGE_NOT_FOUND"],
    ["/aam/api/v1/packages/nobody", 404, "package_not_found"],
    [`/aam/api/v1/packages/${NAME}/9.9.9`, 404, "version_not_found"],
    ["/aam/api/v1/packages?page=0", 400, "bad_request"],
    ["/aam/api/v1/packages/%00", 400, "bad_request"],
    ["/aam/api/v1/packages/%E0%A4%A", 400, "bad_request"],
    ["/aam/api/v1/audit-log", 404, "package_not_found"],
  ] as const;
  for (const [path, status, code] of cases) {
    const answer = await mirror.get(path, { headers: { accept: "application/vnd.uaaps.v1+json" } });
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([path, status, "application/json"]);
    const body = await json(answer);
    const { docs } = (path.includes("/api/v1/") ? body : body["error"]) as { docs: string };
    if (path.includes("/api/v1/")) expect(body).toMatchObject({ error: code, message: expect.any(String) });
    else expect(body).toMatchObject({ error: { code, message: expect.any(String) } });
    expect((await fetch(docs)).status, docs).toBe(200);
  }
  const unacceptable = await mirror.get("/aam/packages", { headers: { accept: "text/html" } });
  expect([unacceptable.status, unacceptable.headers.get("content-type")]).toEqual([406, "application/json"]);
  expect(await json(unacceptable)).toMatchObject({ error: { code: "NOT_ACCEPTABLE" } });
});

test.each([
  ["POST", "/aam/packages", "/aam/api/v1/packages"],
  ["PUT", `/aam/packages/${NAME}/dist-tags/latest`, `/aam/api/v1/packages/${NAME}/tags/latest`],
  ["DELETE", `/aam/packages/${NAME}/1.0.0`, `/aam/api/v1/packages/${NAME}/1.0.0`],
  ["POST", `/aam/packages/${NAME}/1.0.0/yank`, `/aam/api/v1/packages/${NAME}/1.0.0/approve`],
])("a mirror refuses %s %s and %s", async (method, uaaps, apiV1) => {
  const [one, other] = [await mirror.get(uaaps, { method }), await mirror.get(apiV1, { method })];
  for (const answer of [one, other]) expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  expect(await json(one)).toMatchObject({ error: { code: "FORBIDDEN" } });
  expect(await json(other)).toMatchObject({ error: "forbidden" });
});

test("an upstream that says to wait is passed on with the time to wait, in both dialects", async () => {
  for (const path of ["/aam/packages/busy", "/aam/api/v1/packages/busy"]) {
    upstream.fault("/aam/packages/busy", { kind: "status", status: 429, headers: { "retry-after": "7" } });
    const answer = await mirror.get(path);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    const { error } = await json(answer);
    expect(typeof error === "string" ? error : (error as { code: string }).code).toMatch(/^rate_limited$/i);
  }
});

test("an Assay mirrors an Assay in either dialect: the one it finds out, and the one that it is told", async () => {
  const next = await startMirror({
    config: `
repositories:
  - {name: found, ecosystem: aam, upstreams: [{url: "${mirror.url}/aam/"}]}
  - {name: told, ecosystem: aam, upstreams: [{url: "${mirror.url}/aam/", dialect: api-v1}]}
  - {name: addressed, ecosystem: aam, upstreams: [{url: "${mirror.url}/aam/api/v1/"}]}
`,
  });
  onTestFinished(() => next.close());
  const [found, ...others] = await Promise.all(
    ["/found", "/told", "/addressed"].map(async (mount) => {
      const version = await json(await next.get(`${mount}/api/v1/packages/${NAME}/1.0.0`));
      const tags = await json(await next.get(`${mount}/packages/${NAME}/dist-tags`));
      const download = await next.get(`${mount}/packages/${NAME}/1.0.0/tarball`);
      return {
        version: { ...version, download_url: undefined },
        tags,
        sha256: sha256(Buffer.from(await download.arrayBuffer())),
      };
    }),
  );
  expect(found).toMatchObject({
    version: { yanked: false, checksum: { sha256: sha256(archive(NAME, "1.0.0")) } },
    sha256: sha256(archive(NAME, "1.0.0")),
  });
  for (const other of others) expect(other).toEqual(found);
});

test("what was mirrored from either kind of registry is answered offline, after a restart, in both dialects", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-offline-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const config = (offline: boolean): string => `
offline: ${offline}
repositories:
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/"}]}
  - {name: other, ecosystem: aam, upstreams: [{url: "${upstream.origin}/other/"}]}
`;
  const paths = ["/aam", "/other"].flatMap((mount) => [
    `${mount}/packages/${NAME}`,
    // All of them: offline, a version that is not held is marked, which another test is about.
    ...["1.0.0", "2.0.0", "3.0.0"].map((version) => `${mount}/packages/${NAME}/${version}/tarball`),
    `${mount}/api/v1/packages/${NAME}/1.0.0`,
    `${mount}/api/v1/packages/${NAME}/1.0.0/download`,
  ]);
  const answers = async (isOffline: boolean): Promise<readonly string[]> => {
    const bench = await startMirror({ config: config(isOffline), dataDir });
    try {
      // Asked twice: the digest of what is admitted stands on the page from then on.
      for (const path of paths) await (await bench.get(path)).arrayBuffer();
      return await Promise.all(
        paths.map(async (path) => {
          const answer = await bench.get(path);
          expect([path, answer.status]).toEqual([path, 200]);
          return Buffer.from(await answer.arrayBuffer())
            .toString("latin1")
            .replaceAll(String(bench.port), "PORT");
        }),
      );
    } finally {
      await bench.close();
    }
  };
  const online = await answers(false);
  const asked = upstream.requests.length;
  expect(await answers(true)).toEqual(online);
  expect(upstream.requests.length).toBe(asked);
});

test("a version never changes: other bytes at upstream, with a digest that fits them, are not ours", async () => {
  const kept = archive(NAME, "2.0.0");
  for (const mount of ["/aam", "/other"]) {
    expect(Buffer.from(await (await mirror.get(`${mount}/packages/${NAME}/2.0.0/tarball`)).arrayBuffer()).equals(kept)).toBe(true);
  }
  const changed = buildAam({ name: NAME, version: "2.0.0", files: { "evil.md": "x" } }).bytes;
  const document = { name: NAME, version: "2.0.0", checksum: { sha256: sha256(changed) } };
  upstream.serve(`/other/api/v1/packages/${NAME}/2.0.0`, { contentType: "application/json", body: JSON.stringify(document) });
  upstream.serve(`/other/api/v1/packages/${NAME}/2.0.0/download`, { body: changed });
  const integrity = `sha256-${Buffer.from(sha256(changed), "hex").toString("base64")}`;
  const versions = { "2.0.0": { integrity } };
  upstream.serve(`/aam/packages/${NAME}`, { contentType: "application/json", body: JSON.stringify({ name: NAME, versions }) });
  upstream.serve(`/aam/packages/${NAME}/2.0.0/tarball`, { body: changed });
  mirror.advance(3_600_000);
  for (const mount of ["/aam", "/other"]) {
    expect(await json(await mirror.get(`${mount}/api/v1/packages/${NAME}/2.0.0`))).toMatchObject({ checksum: { sha256: sha256(kept) } });
    for (const path of [`packages/${NAME}/2.0.0/tarball`, `api/v1/packages/${NAME}/2.0.0/download`]) {
      const answer = await mirror.get(`${mount}/${path}`);
      expect(Buffer.from(await answer.arrayBuffer()).equals(kept), path).toBe(true);
    }
  }
});

test("what upstream lost is still served in both dialects, by its exact version", async () => {
  const expected = archive(NAME, "1.0.0");
  await (await mirror.get(`/other/packages/${NAME}/1.0.0/tarball`)).arrayBuffer();
  for (const path of ["", "/tags", "/1.0.0", "/1.0.0/download"])
    upstream.serve(`/other/api/v1/packages/${NAME}${path}`, { status: 404, body: "" });
  mirror.advance(3_600_000);
  expect(await json(await mirror.get(`/other/api/v1/packages/${NAME}/1.0.0`))).toMatchObject({
    yanked: true,
    checksum: { sha256: sha256(expected) },
  });
  expect(await json(await mirror.get(`/other/packages/${NAME}/1.0.0`))).toMatchObject({ yanked: true });
  for (const path of [`packages/${NAME}/1.0.0/tarball`, `api/v1/packages/${NAME}/1.0.0/download`]) {
    expect(Buffer.from(await (await mirror.get(`/other/${path}`)).arrayBuffer()).equals(expected), path).toBe(true);
  }
});
