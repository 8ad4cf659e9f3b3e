import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import { MAX_RESUMES } from "../../src/upstream/open-archive.ts";
import type { Content, Fault } from "../support/fake-upstream.ts";
import { clientFor, codeOf, collect, download, fake, patternBytes } from "./harness.ts";

const BYTES = patternBytes(400_000);
const ARCHIVE: Content = { body: BYTES, etag: '"v1"' };
const MODIFIED = "Mon, 02 Nov 2026 10:00:00 GMT";

describe("what goes wrong has its own code", () => {
  test.each<{ name: string; content?: Content; fault?: Fault; code: ErrorCode }>([
    { name: "404", fault: { kind: "status", status: 404 }, code: "NOT_FOUND" },
    { name: "410", fault: { kind: "status", status: 410 }, code: "NOT_FOUND" },
    { name: "403", fault: { kind: "status", status: 403 }, code: "UPSTREAM_AUTH" },
    { name: "429", fault: { kind: "status", status: 429 }, code: "UPSTREAM_RATE_LIMITED" },
    { name: "500", fault: { kind: "status", status: 500 }, code: "UPSTREAM_STATUS" },
    { name: "206 unasked", fault: { kind: "status", status: 206 }, code: "UPSTREAM_STATUS" },
    { name: "silence before the headers", fault: { kind: "stall", at: "headers" }, code: "UPSTREAM_TIMEOUT" },
    { name: "silence midway", fault: { kind: "stall", at: 100_000 }, code: "UPSTREAM_TIMEOUT" },
    {
      name: "a cut without a validator",
      content: { body: BYTES },
      fault: { kind: "truncate", afterBytes: 100_000 },
      code: "UPSTREAM_TRUNCATED",
    },
    {
      name: "a cut with a weak validator",
      content: { body: BYTES, etag: 'W/"v1"' },
      fault: { kind: "truncate", afterBytes: 9 },
      code: "UPSTREAM_TRUNCATED",
    },
    {
      name: "a cut without ranges",
      content: { ...ARCHIVE, ranges: false },
      fault: { kind: "truncate", afterBytes: 9 },
      code: "UPSTREAM_TRUNCATED",
    },
    {
      name: "a cut on a connection that closes",
      content: { body: BYTES, headers: { connection: "close" } },
      fault: { kind: "truncate", afterBytes: 9 },
      code: "UPSTREAM_TRUNCATED",
    },
    { name: "a length past the limit, announced", fault: { kind: "content-length", bytes: 10_000_001 }, code: "UPSTREAM_LIMIT" },
    {
      name: "a body recoded although it was asked for as it is",
      content: { body: gzipSync(BYTES), headers: { "content-encoding": "gzip" } },
      code: "UPSTREAM_MALFORMED",
    },
  ])("$name: $code", async ({ content = ARCHIVE, fault, code }) => {
    const upstream = await fake();
    upstream.serve("/a.whl", content);
    if (fault) upstream.fault("/a.whl", fault);
    expect(await codeOf(download(clientFor(upstream.url("/")), "/a.whl"))).toBe(code);
  });

  test("an announced length past the limit fails before a byte is read", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    expect(await codeOf(clientFor(upstream.url("/")).open("/a.whl", BYTES.length - 1))).toBe("UPSTREAM_LIMIT");
  });

  test("an unannounced body is cut one byte past the limit", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", { ...ARCHIVE, headers: { "transfer-encoding": "chunked" } });
    const harness = clientFor(upstream.url("/"));
    expect((await harness.open("/a.whl")).sizeBytes).toBeUndefined();
    expect(await codeOf(download(harness, "/a.whl", BYTES.length - 1))).toBe("UPSTREAM_LIMIT");
    expect(await download(harness, "/a.whl", BYTES.length)).toEqual(BYTES);
  });

  test("bytes past the announced length never reach us", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    upstream.fault("/a.whl", { kind: "content-length", bytes: 1000, times: 1 });
    const harness = clientFor(upstream.url("/"));
    expect(await download(harness, "/a.whl")).toEqual(BYTES.subarray(0, 1000));
    expect(await download(harness, "/a.whl")).toEqual(BYTES); // Nor the next request on that connection.
  });
});

describe("an archive", () => {
  test("streams, with the length and the checksums that upstream names", async () => {
    const upstream = await fake();
    const headers = { "X-Checksum-Sha256": "a".repeat(64), "x-checksum-sha1": "b".repeat(40), "x-checksum-crc32": "c" };
    upstream.serve("/a.whl", { ...ARCHIVE, headers });
    const stream = await clientFor(upstream.url("/")).open("/a.whl");
    expect([stream.sizeBytes, stream.url.href]).toEqual([BYTES.length, upstream.url("/a.whl").href]);
    expect(stream.checksums).toEqual({ sha256: "a".repeat(64), sha1: "b".repeat(40) });
    expect(await collect(stream.bytes)).toEqual(BYTES);
    expect(upstream.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test("whose server labels its own compression as a coding comes as it is, as pip takes it", async () => {
    const upstream = await fake();
    const body = gzipSync(BYTES);
    upstream.serve("/a-1.0.tar.gz", { body, headers: { "content-encoding": "x-gzip" } });
    expect(await download(clientFor(upstream.url("/")), "/a-1.0.tar.gz")).toEqual(body);
  });

  test.each([
    ["is let go before its first byte", 0],
    ["is let go midway", 1],
  ])("that %s gives its place and its connection back", async (_, chunks) => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    const harness = clientFor(upstream.url("/"), { concurrency: 1, limits: { fetchQueue: 0 } });
    const iterator = (await harness.open("/a.whl")).bytes[Symbol.asyncIterator]();
    expect(await codeOf(harness.open("/a.whl"))).toBe("BUSY");
    for (let i = 0; i < chunks; i++) await iterator.next();
    await iterator.return?.();
    expect(await iterator.next()).toMatchObject({ done: true });
    expect(await download(harness, "/a.whl")).toEqual(BYTES);
  });

  test("being downloaded does not keep documents waiting", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    upstream.serve("/doc", { body: "{}", contentType: "application/json" });
    const harness = clientFor(upstream.url("/"), { concurrency: 1 });
    const stream = await harness.open("/a.whl");
    expect(await harness.fetch("/doc")).toMatchObject({ kind: "document" });
    await collect(stream.bytes);
  });

  test("fails when the client is closed midway", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", { body: patternBytes(5_000_000) });
    upstream.fault("/a.whl", { kind: "slow", bytesPerSecond: 100_000 });
    const harness = clientFor(upstream.url("/"));
    const reading = codeOf(download(harness, "/a.whl"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await harness.client.close();
    expect(await reading).toBe("UPSTREAM_TRUNCATED");
  });
});

describe("a cut download is taken up again", () => {
  test.each<{ name: string; validator: Partial<Content>; ifRange: string }>([
    { name: "a strong ETag", validator: { etag: '"v1"' }, ifRange: '"v1"' },
    { name: "Last-Modified", validator: { lastModified: MODIFIED }, ifRange: MODIFIED },
    { name: "Last-Modified beside a weak ETag", validator: { etag: 'W/"v1"', lastModified: MODIFIED }, ifRange: MODIFIED },
  ])("by $name", async ({ validator, ifRange }) => {
    const upstream = await fake();
    upstream.serve("/a.whl", { body: BYTES, ...validator });
    upstream.fault("/a.whl", { kind: "truncate", afterBytes: 150_000, times: 2 });
    expect(await download(clientFor(upstream.url("/")), "/a.whl")).toEqual(BYTES);
    expect(upstream.requests.map(({ headers }) => headers["range"])).toEqual([undefined, "bytes=150000-", "bytes=300000-"]);
    expect(upstream.requests[2]?.headers["if-range"]).toBe(ifRange);
  });

  test("through a failure that passes, with growing waits", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    upstream.fault("/a.whl", { kind: "truncate", afterBytes: 150_000, times: 1 });
    const harness = clientFor(upstream.url("/"));
    const stream = await harness.open("/a.whl");
    upstream.fault("/a.whl", { kind: "status", status: 503, times: 2 });
    expect(await collect(stream.bytes)).toEqual(BYTES);
    expect(harness.waits).toEqual([200, 400, 800]);
  });

  test(`at most ${MAX_RESUMES} times`, async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", ARCHIVE);
    upstream.fault("/a.whl", { kind: "truncate", afterBytes: 10_000 });
    expect(await codeOf(download(clientFor(upstream.url("/")), "/a.whl"))).toBe("UPSTREAM_TRUNCATED");
    expect(upstream.requests).toHaveLength(1 + MAX_RESUMES);
  });

  test.each<{ name: string; first?: Content; offer: Content; code: ErrorCode }>([
    {
      name: "unless the file changed meanwhile",
      offer: { body: patternBytes(400_000).reverse(), etag: '"v2"' },
      code: "UPSTREAM_TRUNCATED",
    },
    {
      name: "unless its length is another one now",
      offer: { ...ARCHIVE, body: BYTES.subarray(150_000), status: 206, headers: { "content-range": "bytes 150000-400000/400001" } },
      code: "UPSTREAM_LENGTH",
    },
    {
      name: "unless less than the rest is offered",
      first: { ...ARCHIVE, headers: { "transfer-encoding": "chunked" } },
      offer: {
        ...ARCHIVE,
        body: BYTES.subarray(150_000, 300_000),
        status: 206,
        headers: { "content-range": "bytes 150000-299999/400000" },
      },
      code: "UPSTREAM_LENGTH",
    },
    {
      name: "unless another part is sent",
      offer: { ...ARCHIVE, status: 206, headers: { "content-range": "bytes 0-399999/400000" } },
      code: "UPSTREAM_TRUNCATED",
    },
    { name: "unless the part has no range", offer: { ...ARCHIVE, status: 206 }, code: "UPSTREAM_TRUNCATED" },
    { name: "unless it is gone", offer: { body: "", status: 404 }, code: "UPSTREAM_STATUS" },
    {
      name: "unless the part is longer than it says",
      offer: { ...ARCHIVE, status: 206, headers: { "content-range": "bytes 150000-399999/400000" } },
      code: "UPSTREAM_LENGTH",
    },
  ])("$name", async ({ first = ARCHIVE, offer, code }) => {
    const upstream = await fake();
    upstream.serve("/a.whl", first);
    upstream.fault("/a.whl", { kind: "truncate", afterBytes: 150_000, times: 1 });
    const harness = clientFor(upstream.url("/"));
    const stream = await harness.open("/a.whl");
    upstream.serve("/a.whl", (request) => {
      const { body, ...content } = offer;
      // An honest server would turn a range into a part itself; these ones answer as the row says.
      return content.status === 206 || request.headers["range"] === undefined ? { ...content, body, ranges: false } : { ...content, body };
    });
    expect(await codeOf(collect(stream.bytes))).toBe(code);
  });
});
