import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Download, type DownloadOptions, download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeTarball, largeWheel, withWrongEnd } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;
/** The default of `withhold`. */
const WITHHELD_BYTES = 8 * 1024 * 1024;

let bench: LargeBench;
afterEach(() => bench.close());

/** An archive that is wrong in its very last byte, as late as it can be. */
async function publishWrong(archive: LargeArchive): Promise<string> {
  bench.upstream.publish(archive, withWrongEnd(archive));
  return bench.link(archive);
}

/** Every way to ask for bytes. The validators are those that the archive would have if it were what is claimed. */
function askings({ sha256, sizeBytes }: LargeArchive): readonly { name: string; options: DownloadOptions }[] {
  const etag = `"sha256-${sha256}"`;
  return [
    { name: "GET", options: {} },
    { name: "HEAD", options: { method: "HEAD" } },
    { name: "the last bytes", options: { headers: { range: "bytes=-1000" } } },
    { name: "the first bytes", options: { headers: { range: "bytes=0-99" } } },
    { name: "all but the last byte", options: { headers: { range: `bytes=0-${sizeBytes - 2}` } } },
    { name: "a range of the claimed digest", options: { headers: { range: "bytes=0-99", "if-range": etag } } },
    { name: "a range past the end", options: { headers: { range: `bytes=${sizeBytes}-` } } },
    { name: "unless it is the claimed digest", options: { headers: { "if-none-match": etag } } },
    { name: "unless it is anything", options: { headers: { "if-none-match": "*" } } },
    { name: "HEAD of a range", options: { method: "HEAD", headers: { range: "bytes=0-99" } } },
  ];
}

/** Counts the bytes of the body that an HTTP/1.0 client gets before the connection ends. */
function downloadAsHttp10(url: string): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve) => {
    let receivedBytes = 0;
    let headerEnd = -1;
    let head = Buffer.alloc(0);
    const socket = connect(Number(port), hostname, () => socket.write(`GET ${pathname} HTTP/1.0\r\nHost: ${hostname}:${port}\r\n\r\n`));
    socket.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (headerEnd >= 0) return;
      head = Buffer.concat([head, chunk]);
      headerEnd = head.indexOf("\r\n\r\n");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(receivedBytes - headerEnd - 4));
  });
}

function expectRefused(answer: Download, method = "GET"): void {
  expect(answer.status).toBe(403);
  expect(answer.reason).toMatch(/^assay: .*expected sha/);
  expect(answer.headers["etag"]).toBeUndefined();
  expect(answer.headers["accept-ranges"]).toBeUndefined();
  if (method === "HEAD") expect(answer.receivedBytes).toBe(0);
  else expect(JSON.parse(answer.text)).toMatchObject({ status: 403, code: "CHECKSUM_MISMATCH" });
}

describe.each([
  { name: "wheel", make: largeWheel },
  { name: "tarball", make: largeTarball },
])("a $name that is larger than what is withheld and wrong in its last byte", ({ make }) => {
  test("no client ever receives a whole file, all are cut off, and the next request hears why", async () => {
    bench = await startLargeBench();
    bench.upstream.limit(20 * MB);
    const archive = make("wrong", noise(16 * MB));
    const link = await publishWrong(archive);
    const [old, ...answers] = await Promise.all([
      downloadAsHttp10(link),
      ...askings(archive).flatMap(({ options }) => [download(link, options), download(link, options)]),
    ]);
    const most = archive.sizeBytes - WITHHELD_BYTES;
    expect(old).toBeGreaterThan(0);
    expect(old).toBeLessThanOrEqual(most);
    for (const answer of answers) expect(answer.receivedBytes).toBeLessThanOrEqual(most);
    const withBody = answers.filter(({ receivedBytes }) => receivedBytes > 0);
    expect(withBody.length).toBeGreaterThan(0);
    for (const answer of withBody) expect(answer.cut).toBe(true);
    for (const { options } of askings(archive)) expectRefused(await download(link, options), options.method);
    expect(bench.upstream.requestsFor(archive).archive).toBe(1);
  }, 60_000);

  test("with `withhold: all` not one byte of it is sent", async () => {
    bench = await startLargeBench({ more: "withhold: all" });
    const archive = make("wrong", noise(16 * MB));
    const link = await publishWrong(archive);
    const answers = await Promise.all(askings(archive).map(async ({ options }) => ({ options, answer: await download(link, options) })));
    for (const { options, answer } of answers) expectRefused(answer, options.method);
  }, 60_000);
});

test("of an archive that is not larger than what is withheld, no answer of any kind has a byte, first or later: all say 403", async () => {
  bench = await startLargeBench();
  const payload = noise(2 * MB);
  for (const [number, { options }] of askings(largeWheel("any", payload)).entries()) {
    const archive = largeWheel(`small${number}`, payload);
    const link = await publishWrong(archive);
    const own = askings(archive)[number]?.options ?? options;
    expectRefused(await download(link, own), own.method);
    for (const { options: later } of askings(archive)) expectRefused(await download(link, later), later.method);
  }
}, 120_000);
