import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mirrorConfig, noise, publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const AUDIT = "/npm/-/npm/v1/security/advisories/bulk";
let upstream: FakeUpstream;
let mirror: MirrorBench;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  mirror = await startMirror({ config: mirrorConfig(upstream, "withhold: 1MiB\nlimits: {request_body: 1MiB}") });
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
});

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

test.each<{ name: string; target: string; status: number }>([
  { name: "dot segments", target: "/npm/../pypi/simple/", status: 400 },
  { name: "encoded dot segments", target: "/npm/%2e%2e/pypi/simple/", status: 400 },
  { name: "half encoded dot segments", target: "/npm/.%2e/pypi/simple/", status: 400 },
  { name: "dot segments within an encoded slash", target: "/npm/@a%2f..%2f..", status: 400 },
  { name: "a backslash", target: "/npm/a%5c..%5cb", status: 400 },
  { name: "NUL", target: "/npm/a%00", status: 400 },
  { name: "a line break", target: "/npm/a%0d%0aSet-Cookie:%20b", status: 400 },
  { name: "a broken escape", target: "/npm/%zz", status: 400 },
  { name: "a broken surrogate", target: "/npm/%ed%a0%80", status: 400 },
  { name: "a double slash", target: "//npm/left-pad", status: 404 },
  { name: "a double slash within", target: "/npm//left-pad", status: 400 },
  { name: "a mount with an encoded slash", target: "/npm%2fleft-pad", status: 404 },
  { name: "an absolute target", target: "http://elsewhere.example/npm/left-pad", status: 400 },
  { name: "a fragment", target: "/npm/left-pad#x", status: 400 },
  { name: "one character past the limit", target: `/npm/${"a".repeat(2044)}`, status: 400 },
  { name: "a name outside the grammar", target: "/npm/.hidden", status: 400 },
  { name: "a file outside the grammar", target: "/npm/a/-/..tgz", status: 400 },
  { name: "an unknown repository", target: "/rubygems/a", status: 404 },
  { name: "a longer mount", target: "/npmx/a", status: 404 },
])("$name asks no upstream and is answered $status", async ({ target, status }) => {
  const before = upstream.requests.length;
  const answer = await mirror.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(statusOf(answer)).toBe(status);
  expect(answer).not.toMatch(/^set-cookie/im);
  expect(upstream.requests).toHaveLength(before);
});

test.each<{ name: string; request: string; status: number }>([
  { name: "markup in the Host", request: "GET /npm/a HTTP/1.1\r\nHost: a/<script>\r\n\r\n", status: 400 },
  { name: "a Host with credentials", request: "GET /npm/a HTTP/1.1\r\nHost: a@b\r\n\r\n", status: 400 },
  { name: "no Host in HTTP/1.1", request: "GET /healthz HTTP/1.1\r\n\r\n", status: 400 },
  { name: "no Host in HTTP/1.0, which knows none", request: "GET /healthz HTTP/1.0\r\n\r\n", status: 200 },
  { name: "two lengths", request: `POST ${AUDIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`, status: 400 },
  {
    name: "a length and chunks",
    request: `POST ${AUDIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`,
    status: 400,
  },
  { name: "headers past the limit", request: `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(33_000)}\r\n\r\n`, status: 431 },
  { name: "a line folded into a header", request: "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n", status: 400 },
  { name: "an unknown method", request: "STEAL /npm/a HTTP/1.1\r\nHost: x\r\n\r\n", status: 400 },
  { name: "TRACE", request: "TRACE /npm/a HTTP/1.1\r\nHost: x\r\n\r\n", status: 405 },
])("$name is one answer, $status", async ({ request, status }) => {
  const answer = await mirror.raw(request, 200);
  expect(statusOf(answer)).toBe(status);
  expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
});

test("requests sent at once are answered in order", async () => {
  const answer = await mirror.raw(
    ["/npm/-/ping", "/healthz", "/npm/-/whoami"].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""),
    300,
  );
  expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(["200", "200", "401"]);
});

describe("a request body", () => {
  test("is passed on plain, whether it came gzipped or not", async () => {
    upstream.serve(AUDIT, { body: "{}", contentType: "application/json" });
    const body = JSON.stringify({ demo: ["1.0.0"] });
    for (const sent of [body, gzipSync(body)]) {
      expect((await mirror.get(AUDIT, { method: "POST", body: sent })).status).toBe(200);
      expect(upstream.requests.at(-1)?.body.toString()).toBe(body);
    }
  });

  const MIB = 1024 * 1024;
  test.each<{ name: string; body: () => Buffer | ReadableStream }>([
    { name: "one byte past the limit", body: () => Buffer.alloc(MIB + 1, "a") },
    { name: "without an end", body: () => new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(65_536, "a")) }) },
    { name: "that unpacks past the limit", body: () => gzipSync(Buffer.alloc(50 * MIB)) },
  ])("$name is turned away and not passed on", async ({ body }) => {
    const before = upstream.requests.length;
    const init = { method: "POST", body: body(), duplex: "half" } as RequestInit;
    const answered = await mirror.get(AUDIT, init).then(
      ({ status }) => status,
      () => "cut",
    );
    expect([413, "cut"]).toContain(answered);
    expect(upstream.requests).toHaveLength(before);
  });

  test("that its sender gives up on is no error of ours", async () => {
    const socket = connect(mirror.port, "127.0.0.1");
    socket.write(`POST ${AUDIT} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\nabc`);
    await sleep(100);
    socket.destroy();
    await sleep(200);
    expect(mirror.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("an error of the store is told without a path of this machine, which the log has", async () => {
  const broken = await startMirror({ config: mirrorConfig(upstream) });
  try {
    const { file } = publishTarball(upstream, { name: "unstored" });
    rmSync(join(broken.dataDir, "blobs-v1"), { recursive: true });
    writeFileSync(join(broken.dataDir, "blobs-v1"), "in the way");
    const response = await broken.get(`/npm/unstored/-/${file}`);
    const text = await response.text();
    expect({ status: response.status, code: JSON.parse(text).code }).toEqual({ status: 500, code: "STORE_IO" });
    expect(text).not.toContain(broken.dataDir);
    const [line] = broken.logged.filter(({ level }) => level === "error");
    expect(String((line?.["err"] as Error | undefined)?.cause)).toContain(broken.dataDir);
  } finally {
    await broken.close();
  }
});

test("clients that leave at any moment leave nothing open, and the archive whole", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on("warning", onWarning);
  const cold = publishTarball(upstream, { name: "cold", files: { "noise.bin": noise(6_000_000) } });
  const warm = publishTarball(upstream, { name: "warm", files: { "noise.bin": noise(6_000_000, 2) } });
  upstream.fault(cold.path, { kind: "slow", bytesPerSecond: 4_000_000 });
  await (await mirror.get("/npm/warm/-/warm-1.0.0.tgz")).arrayBuffer();
  const before = readdirSync("/proc/self/fd").length;
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const name = i % 2 ? "warm" : "cold";
        const socket = connect(mirror.port, "127.0.0.1").on("error", () => {});
        socket.write(`GET /npm/${name}/-/${name}-1.0.0.tgz HTTP/1.1\r\nHost: x\r\n\r\n`);
        await sleep(i * 2);
        socket.destroy();
      }),
    );
  }
  const arrived = Buffer.from(await (await mirror.get("/npm/cold/-/cold-1.0.0.tgz")).arrayBuffer());
  expect(arrived.equals(cold.bytes)).toBe(true);
  expect(upstream.requestsFor(cold.path)).toHaveLength(1);
  expect(Buffer.from(await (await mirror.get("/npm/warm/-/warm-1.0.0.tgz")).arrayBuffer()).equals(warm.bytes)).toBe(true);
  await sleep(500);
  // Pooled connections to upstream, and files that stay open for the next reader.
  expect(readdirSync("/proc/self/fd").length - before).toBeLessThan(10);
  expect(mirror.logged.filter(({ level }) => level === "error")).toEqual([]);
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
