import { afterAll, beforeAll, expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;
const payload = noise(30 * MB);

let bench: LargeBench;
beforeAll(async () => {
  bench = await startLargeBench();
});
afterAll(() => bench.close());

async function publish(name: string): Promise<{ archive: LargeArchive; link: string }> {
  const archive = largeWheel(name, payload);
  bench.upstream.publish(archive);
  return { archive, link: await bench.link(archive) };
}

test("a client that leaves midway disturbs nobody: the others get all, the archive is admitted, the next request is a hit", async () => {
  const { archive, link } = await publish("leaver");
  bench.upstream.limit(20 * MB);
  const leaving = Array.from({ length: 5 }, () => download(link, { leaveAfterBytes: 5 * MB }));
  const staying = Array.from({ length: 3 }, () => download(link));
  for (const answer of await Promise.all(leaving)) expect(answer.receivedBytes).toBeLessThan(archive.sizeBytes);
  for (const answer of await Promise.all(staying)) expect(answer).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
  expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256, headers: { "accept-ranges": "bytes" } });
  expect(bench.upstream.requestsFor(archive).archive).toBe(1);
}, 60_000);

test("an archive whose only client leaves is admitted all the same", async () => {
  const { archive, link } = await publish("deserted");
  bench.upstream.limit(20 * MB);
  await download(link, { leaveAfterBytes: 2 * MB });
  await expect.poll(() => admitted(archive), { timeout: 20_000 }).toBe(true);
  expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256 });
  expect(bench.upstream.requestsFor(archive).archive).toBe(1);
}, 60_000);

test("a slow reader holds up neither a fast one nor the download, and gets everything in its own time", async () => {
  const { archive, link } = await publish("snail");
  bench.upstream.limit(Number.POSITIVE_INFINITY);
  let slowBytes = 0;
  const slow = download(link, { bytesPerSecond: 5 * MB, onBytes: (bytes) => (slowBytes = bytes) });
  expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256 });
  expect(admitted(archive)).toBe(true);
  expect(slowBytes).toBeLessThan(archive.sizeBytes);
  expect(await slow).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
}, 60_000);

function admitted({ file }: LargeArchive): boolean {
  return bench.assay.log().some(({ msg, purl }) => msg === "admitted" && String(purl).includes(file));
}
