import { afterEach, expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;
let bench: LargeBench;
afterEach(() => bench.close());

test("one cold archive asked of two processes on one data folder is downloaded once, and both serve it", async () => {
  bench = await startLargeBench();
  const archive = largeWheel("shared", noise(12 * MB));
  bench.upstream.publish(archive);
  bench.upstream.limit(6 * MB);
  const other = await bench.another();
  try {
    const links = [await bench.link(archive), await bench.link(archive, other)];
    const both = await Promise.all(links.flatMap((link) => [download(link), download(link)]));
    for (const answer of both) expect(answer).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
    for (const link of links) {
      expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256, headers: { "accept-ranges": "bytes" } });
    }
    expect(bench.upstream.requestsFor(archive).archive).toBe(1);
  } finally {
    await other.stop();
  }
}, 60_000);

test("when the process that downloads is killed, the other takes over", async () => {
  bench = await startLargeBench();
  const archive = largeWheel("inherited", noise(12 * MB));
  bench.upstream.publish(archive);
  bench.upstream.limit(4 * MB);
  const other = await bench.another();
  try {
    const [first, second] = [await bench.link(archive, other), await bench.link(archive)];
    const doomed = download(first);
    await expect.poll(() => bench.upstream.requestsFor(archive).archive, { timeout: 10_000 }).toBe(1);
    const waiting = download(second);
    await other.kill();
    expect((await doomed).cut).toBe(true);
    expect(await waiting).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
    expect(bench.upstream.requestsFor(archive).archive).toBe(2);
  } finally {
    await other.stop();
  }
}, 60_000);
