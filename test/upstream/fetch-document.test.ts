import { createServer, type Server, type Socket } from "node:net";
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { Content, Fault } from "../support/fake-upstream.ts";
import { clientFor, codeOf, failureOf, fake, track } from "./harness.ts";

const BODY = `{"name": "left-pad", "text": "${"x".repeat(2000)}"}`;
const DOCUMENT: Content = { body: BODY, contentType: "Application/JSON; charset=utf-8" };

describe("what goes wrong has its own code", () => {
  test.each<{ name: string; fault: Fault; code: ErrorCode }>([
    { name: "500", fault: { kind: "status", status: 500 }, code: "UPSTREAM_STATUS" },
    { name: "503", fault: { kind: "status", status: 503 }, code: "UPSTREAM_STATUS" },
    { name: "400", fault: { kind: "status", status: 400 }, code: "UPSTREAM_STATUS" },
    { name: "204, which brings no document", fault: { kind: "status", status: 204 }, code: "UPSTREAM_STATUS" },
    { name: "206, although no range was asked for", fault: { kind: "status", status: 206 }, code: "UPSTREAM_STATUS" },
    { name: "304, although no validator was sent", fault: { kind: "status", status: 304 }, code: "UPSTREAM_STATUS" },
    { name: "401", fault: { kind: "status", status: 401 }, code: "UPSTREAM_AUTH" },
    { name: "403", fault: { kind: "status", status: 403 }, code: "UPSTREAM_AUTH" },
    { name: "407", fault: { kind: "status", status: 407 }, code: "UPSTREAM_AUTH" },
    { name: "429", fault: { kind: "status", status: 429 }, code: "UPSTREAM_RATE_LIMITED" },
    { name: "no answer", fault: { kind: "stall", at: "headers" }, code: "UPSTREAM_TIMEOUT" },
    { name: "a stall midway", fault: { kind: "stall", at: 100 }, code: "UPSTREAM_TIMEOUT" },
    { name: "a cut connection before the headers", fault: { kind: "disconnect" }, code: "UPSTREAM_UNREACHABLE" },
    { name: "a cut connection midway", fault: { kind: "truncate", afterBytes: 100 }, code: "UPSTREAM_TRUNCATED" },
    { name: "a Content-Length past the body", fault: { kind: "content-length", bytes: 5000 }, code: "UPSTREAM_TRUNCATED" },
    { name: "a Content-Length past the limit", fault: { kind: "content-length", bytes: 2_000_000 }, code: "UPSTREAM_LIMIT" },
    { name: "a gzip bomb", fault: { kind: "gzip-bomb", unpackedBytes: 50_000_000 }, code: "UPSTREAM_LIMIT" },
  ])("$name: $code", async ({ fault, code }) => {
    const upstream = await fake();
    upstream.serve("/doc", DOCUMENT);
    upstream.fault("/doc", fault);
    expect(await codeOf(clientFor(upstream.url("/")).fetch("/doc"))).toBe(code);
  });

  test.each<{ name: string; answer: string; code: ErrorCode }>([
    { name: "no HTTP", answer: "SSH-2.0-OpenSSH_9.6\r\n\r\n", code: "UPSTREAM_MALFORMED" },
    { name: "two lengths", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", code: "UPSTREAM_MALFORMED" },
    {
      name: "two equal lengths",
      answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
      code: "UPSTREAM_MALFORMED",
    },
    {
      name: "a length beside chunks",
      answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
      code: "UPSTREAM_MALFORMED",
    },
    { name: "a bad chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n", code: "UPSTREAM_MALFORMED" },
    { name: "missing chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", code: "UPSTREAM_TRUNCATED" },
    {
      name: "missing chunks on a connection that closes",
      answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      code: "UPSTREAM_TRUNCATED",
    },
    { name: "endless headers", answer: `HTTP/1.1 200 OK\r\nX: ${"x".repeat(33_000)}\r\n\r\n`, code: "UPSTREAM_LIMIT" },
    {
      name: "two codings",
      answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\nab",
      code: "UPSTREAM_MALFORMED",
    },
    { name: "no gzip", answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab", code: "UPSTREAM_MALFORMED" },
  ])("$name: $code", async ({ answer, code }) => {
    const { port } = await rawServer((socket) => socket.end(answer));
    expect(await codeOf(clientFor(`http://127.0.0.1:${port}/`).fetch("/doc"))).toBe(code);
  });

  test("nobody listens: UPSTREAM_UNREACHABLE", async () => {
    const upstream = await fake();
    await upstream.close();
    expect(await codeOf(clientFor(upstream.url("/")).fetch("/doc"))).toBe("UPSTREAM_UNREACHABLE");
  });

  test("a name that does not exist: UPSTREAM_UNREACHABLE", async () => {
    const resolve = async () => {
      throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    };
    expect(await codeOf(clientFor("http://registry.example/", { seams: { resolve } }).fetch("/doc"))).toBe("UPSTREAM_UNREACHABLE");
  });
});

describe("bounds", () => {
  test.each([
    { name: "one byte past the limit", maxBytes: BODY.length - 1, coding: undefined },
    { name: "one unpacked byte past the limit", maxBytes: BODY.length - 1, coding: "gzip" },
  ])("$name is UPSTREAM_LIMIT; at the limit it is fine", async ({ maxBytes, coding }) => {
    const upstream = await fake();
    const headers = coding ? { "content-encoding": coding } : {};
    upstream.serve("/doc", { ...DOCUMENT, body: coding ? gzipSync(BODY) : BODY, headers });
    const { fetch } = clientFor(upstream.url("/"));
    expect(await codeOf(fetch("/doc", { maxBytes }))).toBe("UPSTREAM_LIMIT");
    expect(await fetch("/doc", { maxBytes: maxBytes + 1 })).toMatchObject({ kind: "document" });
  });

  test("a body past the limit is not read to its end: its connection is cut", async () => {
    let cut: (() => void) | undefined;
    const wasCut = new Promise<void>((resolve) => {
      cut = resolve;
    });
    const { port } = await rawServer((socket) => {
      socket.on("close", () => cut?.());
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 20001\r\n\r\nab");
    });
    const { fetch } = clientFor(`http://127.0.0.1:${port}/`, { timeouts: { connectMs: 1_000, headersMs: 60_000, idleMs: 60_000 } });
    expect(await codeOf(fetch("/doc", { maxBytes: 20_000 }))).toBe("UPSTREAM_LIMIT");
    await wasCut;
  });

  test("an unannounced body is cut at the limit", async () => {
    const { port } = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const timer = setInterval(() => socket.write(`1000\r\n${"x".repeat(0x1000)}\r\n`), 2);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await codeOf(clientFor(`http://127.0.0.1:${port}/`).fetch("/doc", { maxBytes: 20_000 }))).toBe("UPSTREAM_LIMIT");
  });

  test("an endless body that unpacks to nothing is cut at the limit too", async () => {
    const emptyBlocks = gzipSync("", { finishFlush: constants.Z_SYNC_FLUSH });
    const { port } = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
      socket.write(emptyBlocks);
      const emptyStored = Buffer.from("000000ffff", "hex");
      const timer = setInterval(() => socket.write(Buffer.concat(Array(1000).fill(emptyStored))), 2);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await codeOf(clientFor(`http://127.0.0.1:${port}/`).fetch("/doc", { maxBytes: 20_000 }))).toBe("UPSTREAM_LIMIT");
  });

  test("a body that drips, a few bytes at a time and never silent, is UPSTREAM_TIMEOUT", async () => {
    const { port } = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    let now = 0;
    const clock = { now: () => (now += 5_000) }; // Every look at the clock is 5 s later.
    expect(await codeOf(clientFor(`http://127.0.0.1:${port}/`, { clock }).fetch("/doc"))).toBe("UPSTREAM_TIMEOUT");
  });

  test("no more documents at once than `concurrency`; past the queue it is BUSY", async () => {
    const upstream = await fake();
    upstream.serve("/doc", DOCUMENT);
    upstream.fault("/doc", { kind: "stall", at: "headers" });
    const { fetch } = clientFor(upstream.url("/"), { concurrency: 2, limits: { fetchQueue: 1 } });
    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(fetch("/doc"))));
    expect(codes).toEqual(["UPSTREAM_TIMEOUT", "UPSTREAM_TIMEOUT", "UPSTREAM_TIMEOUT", "BUSY"]);
    expect(upstream.connections).toBeLessThanOrEqual(3);
    upstream.heal();
    expect(await fetch("/doc")).toMatchObject({ kind: "document" }); // Every place was given back.
  });
});

describe("a document", () => {
  test("comes with its few headers and the address it came from", async () => {
    const upstream = await fake();
    upstream.serve("/doc", { ...DOCUMENT, etag: '"v1"', lastModified: "Mon, 02 Nov 2026 10:00:00 GMT", headers: { "set-cookie": "a=b" } });
    const answer = await clientFor(upstream.url("/")).fetch("/doc?x=1");
    expect(answer).toEqual({
      kind: "document",
      response: {
        body: Buffer.from(BODY),
        contentType: "application/json",
        etag: '"v1"',
        lastModified: "Mon, 02 Nov 2026 10:00:00 GMT",
        url: upstream.url("/doc?x=1"),
      },
    });
    expect(upstream.requests[0]?.headers).toMatchObject({
      accept: "application/json",
      "accept-encoding": "gzip, br, zstd",
      "user-agent": "assay",
    });
  });

  test.each([
    ["gzip", gzipSync(BODY)],
    ["x-gzip", gzipSync(BODY)],
    ["br", brotliCompressSync(BODY)],
    ["zstd", zstdCompressSync(BODY)],
    ["identity", Buffer.from(BODY)],
  ])("is unpacked from %s", async (coding, body) => {
    const upstream = await fake();
    upstream.serve("/doc", { ...DOCUMENT, body, headers: { "content-encoding": coding } });
    expect(await clientFor(upstream.url("/")).fetch("/doc")).toMatchObject({ response: { body: Buffer.from(BODY) } });
  });

  test("in a coding that was not asked for is UPSTREAM_MALFORMED", async () => {
    const upstream = await fake();
    upstream.serve("/doc", { ...DOCUMENT, body: deflateSync(BODY), headers: { "content-encoding": "deflate" } });
    expect(await codeOf(clientFor(upstream.url("/")).fetch("/doc"))).toBe("UPSTREAM_MALFORMED");
  });

  test.each([404, 410])("that is not there (%i) is absent, not an error", async (status) => {
    const upstream = await fake();
    upstream.fault("/doc", { kind: "status", status });
    expect(await clientFor(upstream.url("/")).fetch("/doc")).toEqual({ kind: "absent" });
  });

  test.each([{ etag: '"v1"' }, { lastModified: "Mon, 02 Nov 2026 10:00:00 GMT" }])("is not-modified by %o", async (validator) => {
    const upstream = await fake();
    upstream.serve("/doc", { ...DOCUMENT, ...validator });
    expect(await clientFor(upstream.url("/")).fetch("/doc", validator)).toEqual({ kind: "not-modified" });
  });

  test("is not answered with validators that could not be sent again", async () => {
    const { port } = await rawServer((socket) =>
      socket.end(
        Buffer.from('HTTP/1.1 200 OK\r\nETag: "caf\xe9"\r\nLast-Modified: a\r\nLast-Modified: b\r\nContent-Length: 2\r\n\r\nab', "latin1"),
      ),
    );
    const answer = await clientFor(`http://127.0.0.1:${port}/`).fetch("/doc");
    expect(answer).toMatchObject({ kind: "document", response: { contentType: "" } });
    expect(answer.kind === "document" && "etag" in answer.response).toBe(false);
    expect(answer.kind === "document" && "lastModified" in answer.response).toBe(false);
  });

  test("may have long headers, as behind some gateways", async () => {
    const { port } = await rawServer((socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(30_000)}\r\nContent-Length: 2\r\n\r\n{}`));
    expect(await clientFor(`http://127.0.0.1:${port}/`).fetch("/doc")).toMatchObject({ kind: "document" });
  });

  test("is posted once, whatever happens", async () => {
    const upstream = await fake();
    upstream.serve("/audit", { body: "{}", contentType: "application/json" });
    upstream.fault("/audit", { kind: "status", status: 503, times: 1 });
    const { fetch } = clientFor(upstream.url("/"), { retries: 3 });
    const post = { method: "POST", requestBody: Buffer.from("[1]"), contentType: "application/json" } as const;
    expect(await codeOf(fetch("/audit", post))).toBe("UPSTREAM_STATUS");
    expect(upstream.requests).toHaveLength(1);
    expect(await fetch("/audit", post)).toMatchObject({ kind: "document" });
    expect(upstream.requests[1]).toMatchObject({
      method: "POST",
      body: Buffer.from("[1]"),
      headers: { "content-type": "application/json" },
    });
  });
});

test("no message and no log line holds credentials or a query", async () => {
  const upstream = await fake();
  upstream.fault("/doc", { kind: "status", status: 500 });
  const { fetch, logged } = clientFor(upstream.url("/"), { auth: { kind: "bearer", token: "s3cret-token" }, retries: 1 });
  const failure = await failureOf(fetch(new URL(`http://user:s3cret-password@127.0.0.1:${upstream.port}/doc?signature=s3cret-query`)));
  expect(failure.message).toContain("/doc");
  expect(`${failure.message}${failure.help}${logged.join()}`).not.toContain("s3cret");
  expect(logged.length).toBeGreaterThan(0);
});

/** A TCP server that answers each request with bytes of our choice. */
async function rawServer(answer: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  track({
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return { port: address.port };
}
