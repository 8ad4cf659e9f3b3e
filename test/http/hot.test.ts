import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Hot, type HotPage } from "../../src/http/hot.ts";
import { mirrorConfig, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

let upstream: FakeUpstream;
let mirror: MirrorBench;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  mirror = await startMirror({ config: mirrorConfig(upstream, "metadata_ttl: 60s\nnegative_ttl: 60s") });
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
});

/** A GET with a Host of the test's choice, which `fetch` does not allow. */
async function getAs(host: string, target: string, accept = "application/json"): Promise<string> {
  return mirror.raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`);
}

describe("a page", () => {
  test("made for one host is never served to another", async () => {
    publishTarball(upstream, { name: "hosts" });
    for (const _ of ["cold", "hot"]) expect(await getAs("evil.example", "/npm/hosts")).toContain("http://evil.example/npm/hosts/-/");
    for (const _ of ["cold", "hot"]) {
      const answer = await getAs("mirror.example:8740", "/npm/hosts");
      expect(answer).toContain("http://mirror.example:8740/npm/hosts/-/");
      expect(answer).not.toContain("evil.example");
    }
  });

  test("made for one Accept is never served to another", async () => {
    publishWheel(upstream, { name: "accepts" });
    const types = ["application/vnd.pypi.simple.v1+json", "text/html", "application/vnd.pypi.simple.v1+html"];
    for (const _ of ["cold", "hot"]) {
      for (const accept of types) {
        const response = await mirror.get("/pypi/simple/accepts/", { headers: { accept } });
        expect(response.headers.get("content-type")?.split(";")[0]).toBe(accept);
        expect(response.headers.get("vary")).toBe("Accept, Accept-Encoding");
      }
    }
  });

  test("of one package is never that of another whose name looks alike", async () => {
    publishTarball(upstream, { name: "Twin" });
    publishTarball(upstream, { name: "twin" });
    for (const _ of ["cold", "hot"]) {
      for (const name of ["Twin", "twin"]) expect(await (await mirror.get(`/npm/${name}`)).json()).toMatchObject({ name });
    }
  });

  test("that has grown old is asked for again, and what upstream took away is gone", async () => {
    const { indexPath } = publishTarball(upstream, { name: "old" });
    for (const _ of ["cold", "hot"]) expect((await mirror.get("/npm/old")).status).toBe(200);
    expect(upstream.requestsFor(indexPath)).toHaveLength(1);
    upstream.remove(indexPath);
    mirror.advance(60_001);
    expect((await mirror.get("/npm/old")).status).toBe(404);
  });

  test("shows the admitted digest from the next request on, though upstream now claims another", async () => {
    const published = publishTarball(upstream, { name: "swapped" });
    await (await mirror.get(`/npm/swapped/-/${published.file}`)).arrayBuffer();
    const before = await (await mirror.get("/npm/swapped")).text();
    publishTarball(upstream, { name: "swapped", files: { "evil.js": "steal()" } });
    mirror.advance(60_001);
    const integrity = /"integrity":"([^"]+)"/;
    expect(integrity.exec(await (await mirror.get("/npm/swapped")).text())?.[1]).toBe(integrity.exec(before)?.[1]);
    const archive = await mirror.get(`/npm/swapped/-/${published.file}`);
    expect(Buffer.from(await archive.arrayBuffer()).equals(published.bytes)).toBe(true);
  });

  test("that says no is not kept for those who come after it has changed", async () => {
    const { indexPath } = publishTarball(upstream, { name: "failing" });
    upstream.fault(indexPath, { kind: "status", status: 500 });
    expect((await mirror.get("/npm/failing")).status).toBe(502);
    upstream.heal();
    expect((await mirror.get("/npm/failing")).status).toBe(200);
  });
});

test("an archive under a name with a query, another case or another version is not the hot one", async () => {
  const { file } = publishTarball(upstream, { name: "hot" });
  for (const _ of ["cold", "hot"]) expect((await mirror.get(`/npm/hot/-/${file}`)).status).toBe(200);
  for (const other of ["hot-1.0.1.tgz", "HOT-1.0.0.tgz", "hot-1.0.0.tgz%00", "hot-1.0.0.tgz.sig"]) {
    expect((await mirror.get(`/npm/hot/-/${other}`)).status).toBeGreaterThanOrEqual(400);
  }
  expect((await mirror.get(`/npm/hot/-/${file}`, { method: "DELETE" })).status).toBe(405);
});

describe("Hot", () => {
  const page = (hot: Hot, subject: string, madeAt = hot.moment): HotPage => ({
    repository: "npm",
    plain: { etag: '"x"', sizeBytes: 2, headers: [], body: Buffer.from("{}"), open: undefined },
    gzip: undefined,
    freshUntil: 1000,
    subject,
    madeAt,
  });

  test("a page begun before its package was renewed is not served, one begun after is", () => {
    const hot = new Hot({ bodyBytes: 1024 * 1024, pageBytes: 1024 * 1024 });
    const begun = hot.moment;
    hot.renew("npm\0a");
    hot.keepPage("/a", page(hot, "npm\0a", begun));
    expect(hot.page("/a", 0)).toBeUndefined();
    hot.keepPage("/a", page(hot, "npm\0a"));
    hot.renew("npm\0b");
    expect(hot.page("/a", 0)).toBeDefined();
    expect(hot.page("/a", 1000)).toBeUndefined();
  });

  test("keys that clients choose count towards the memory that pages may take", () => {
    const hot = new Hot({ bodyBytes: 1024 * 1024, pageBytes: 1024 * 1024 });
    const keys = Array.from({ length: 64 }, (_, i) => `/a\n${i}${"x".repeat(30_000)}`);
    for (const key of keys) hot.keepPage(key, page(hot, "npm\0a"));
    const kept = keys.filter((key) => hot.page(key, 0));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length * 30_000).toBeLessThanOrEqual(1024 * 1024);
  });
});
