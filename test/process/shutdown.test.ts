import { afterEach, expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;
let bench: LargeBench;
afterEach(() => bench.close());

/** Starts a cold download and resolves once its first bytes are here. */
async function startDownload(archive: LargeArchive) {
  bench.upstream.publish(archive);
  const link = await bench.link(archive);
  let flowing = (): void => {};
  const flows = new Promise<void>((resolve) => {
    flowing = resolve;
  });
  const answer = download(link, { onBytes: () => flowing() });
  await flows;
  return { link, answer };
}

test("SIGTERM during a download lets it finish, refuses new connections meanwhile, and ends with 0", async () => {
  bench = await startLargeBench();
  bench.upstream.limit(10 * MB);
  const archive = largeWheel("finishing", noise(24 * MB));
  const { link, answer } = await startDownload(archive);
  const stopped = bench.assay.stop();
  await expect.poll(async () => (await download(`${bench.assay.url}/healthz`)).status, { timeout: 2_000 }).toBe(0);
  expect((await download(link)).status).toBe(0);
  expect(await answer).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
  expect(await stopped).toBe(0);
  const again = await bench.another();
  expect(await download(await bench.link(archive, again))).toMatchObject({ status: 200, sha256: archive.sha256 });
  expect(bench.upstream.requestsFor(archive).archive).toBe(1);
  await again.stop();
}, 60_000);

test("what takes longer than shutdown_grace is cut, and the end is 0 all the same", async () => {
  bench = await startLargeBench({ more: "shutdown_grace: 1s" });
  bench.upstream.limit(2 * MB);
  const archive = largeWheel("endless", noise(40 * MB));
  const { answer } = await startDownload(archive);
  const startedAt = performance.now();
  expect(await bench.assay.stop()).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  const cut = await answer;
  expect(cut.cut).toBe(true);
  expect(cut.receivedBytes).toBeLessThan(archive.sizeBytes);
}, 60_000);
