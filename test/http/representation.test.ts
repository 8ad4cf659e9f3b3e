import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Representation, sendRepresentation } from "../../src/http/representation.ts";
import { mirrorConfig, noise, type PublishedFile, publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

let upstream: FakeUpstream;
let mirror: MirrorBench;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  mirror = await startMirror({ config: mirrorConfig(upstream, "withhold: all") });
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
});

const target = (name: string): string => `/npm/${name}/-/${name}-1.0.0.tgz`;
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function body(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** Small archives are answered from memory, large ones from their file. */
describe.each([
  { name: "in-memory", files: {} },
  { name: "on-disk", files: { "noise.bin": noise(5_000_000) } },
])("an admitted archive $name", ({ name, files }) => {
  let published: PublishedFile;
  let etag: string;
  beforeAll(async () => {
    published = publishTarball(upstream, { name, files });
    etag = `"sha256-${sha256(published.bytes)}"`;
  });

  test.each(["cold", "warm", "hot"])("GET and HEAD agree, %s", async () => {
    const [got, head] = [await mirror.get(target(name)), await mirror.get(target(name), { method: "HEAD" })];
    expect((await body(got)).equals(published.bytes)).toBe(true);
    expect((await body(head)).length).toBe(0);
    for (const response of [got, head]) {
      expect(response.status).toBe(200);
      expect(response.headers.get("content-length")).toBe(String(published.bytes.length));
      expect(response.headers.get("etag")).toBe(etag);
      expect(response.headers.get("x-checksum-sha256")).toBe(sha256(published.bytes));
    }
  });

  test("every range is that part of the bytes", async () => {
    const { length } = published.bytes;
    for (const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=5-14", 5, 14],
      ["bytes=-7", length - 7, length - 1],
      [`bytes=${length - 3}-`, length - 3, length - 1],
      [`bytes=3-${length + 99}`, 3, length - 1],
      [`bytes=-${length + 99}`, 0, length - 1],
    ] as const) {
      const response = await mirror.get(target(name), { headers: { range } });
      expect(response.status).toBe(206);
      expect(response.headers.get("content-range")).toBe(`bytes ${first}-${last}/${length}`);
      expect((await body(response)).equals(published.bytes.subarray(first, last + 1))).toBe(true);
    }
  });

  test.each<{ how: string; headers: Record<string, string>; method?: string; status: number }>([
    { how: "a range past the end", headers: { range: "bytes=99999999-" }, status: 416 },
    { how: "a suffix of nothing", headers: { range: "bytes=-0" }, status: 416 },
    { how: "two ranges", headers: { range: "bytes=0-1,5-6" }, status: 200 },
    { how: "a range in another unit", headers: { range: "lines=0-1" }, status: 200 },
    { how: "a range of a HEAD", headers: { range: "bytes=0-1" }, method: "HEAD", status: 200 },
    { how: "a range of other bytes", headers: { range: "bytes=0-1", "if-range": '"sha256-of-others"' }, status: 200 },
    { how: "a range by date", headers: { range: "bytes=0-1", "if-range": "Wed, 21 Oct 2015 07:28:00 GMT" }, status: 200 },
    { how: "another validator", headers: { "if-none-match": '"sha256-of-others"' }, status: 200 },
  ])("$how", async ({ headers, method = "GET", status }) => {
    const response = await mirror.get(target(name), { headers, method });
    expect(response.status).toBe(status);
    const { length } = await body(response);
    if (status === 416) expect(response.headers.get("content-range")).toBe(`bytes */${published.bytes.length}`);
    else expect(length).toBe(method === "HEAD" ? 0 : published.bytes.length);
  });

  test("its own validator is a 304, weak or in a list, and lets a range through", async () => {
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await mirror.get(target(name), { headers: { "if-none-match": header } });
      expect(response.status).toBe(304);
      expect(response.headers.get("etag")).toBe(etag);
      expect((await body(response)).length).toBe(0);
    }
    expect((await mirror.get(target(name), { headers: { range: "bytes=0-1", "if-range": etag } })).status).toBe(206);
  });
});

describe("an archive whose file is damaged while it is hot", () => {
  /** Of the archive that was admitted last. */
  function blobOf(bytes: Buffer): string {
    const digest = sha256(bytes);
    return join(mirror.dataDir, "blobs-v1", digest.slice(0, 2), digest);
  }

  test("cut short, it does not borrow the next answer's bytes, and is fetched anew", async () => {
    const { bytes } = publishTarball(upstream, { name: "short", files: { "noise.bin": noise(5_000_000, 2) } });
    for (const _ of ["cold", "hot"]) await body(await mirror.get(target("short")));
    truncateSync(blobOf(bytes), 1_000_000);
    const answer = await mirror.raw(`GET ${target("short")} HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(answer.length).toBeLessThan(1_010_000);
    expect(answer).not.toContain('{"status":"ok"}');
    for (const _ of ["fetched anew", "hot"]) expect((await body(await mirror.get(target("short")))).equals(bytes)).toBe(true);
    expect(statSync(blobOf(bytes)).size).toBe(bytes.length);
  });

  test("gone from the disk, it is served or fetched anew, never in part", async () => {
    const { bytes } = publishTarball(upstream, { name: "gone", files: { "noise.bin": noise(5_000_000, 3) } });
    for (const _ of ["cold", "hot"]) await body(await mirror.get(target("gone")));
    for (const folder of readdirSync(join(mirror.dataDir, "blobs-v1"))) {
      rmSync(join(mirror.dataDir, "blobs-v1", folder), { recursive: true });
    }
    mirror.assay.http.readers.close();
    expect((await body(await mirror.get(target("gone")))).equals(bytes)).toBe(true);
  });
});

test("each form of a page has a validator of its own", async () => {
  publishTarball(upstream, { name: "page", files: {} });
  const accept = "application/json";
  const plain = await mirror.get("/npm/page", { headers: { accept, "accept-encoding": "identity" } });
  const etag = plain.headers.get("etag") ?? "";
  const abbreviated = await mirror.get("/npm/page", { headers: { accept: "application/vnd.npm.install-v1+json" } });
  expect(abbreviated.headers.get("etag")).not.toBe(etag);
  expect((await mirror.get("/npm/page", { headers: { accept, "if-none-match": etag, "accept-encoding": "identity" } })).status).toBe(304);
  expect(
    (await mirror.get("/npm/page", { headers: { accept: "application/vnd.npm.install-v1+json", "if-none-match": etag } })).status,
  ).toBe(200);
});

test("a body that ends before its length is an error, which cuts the connection", async () => {
  const short = { read: async (_target: Uint8Array, position: number) => (position === 0 ? 10 : 0), close: async () => {} };
  const representation: Representation = { etag: '"x"', sizeBytes: 20, headers: [], body: undefined, open: async () => short };
  const server = createServer((request, response) => {
    sendRepresentation(request, response, representation).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await expect(fetch(`http://127.0.0.1:${port}/`).then((response) => response.text())).rejects.toThrow();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 5_000);
