import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type Download, download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;
const payload = noise(100 * MB);

let bench: LargeBench;
afterEach(() => bench.close());

/** The most memory that the server was ever resident with, in bytes. The kernel keeps count, so no peak falls between two looks. */
function peakBytes(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${bench.assay.pid}/status`, "utf8"))?.[1]) * 1024;
}

async function publish(count: number): Promise<{ archives: readonly LargeArchive[]; links: readonly string[] }> {
  const archives = Array.from({ length: count }, (_, number) => largeWheel(`memory${number}`, payload));
  for (const archive of archives) bench.upstream.publish(archive);
  return { archives, links: await Promise.all(archives.map((archive) => bench.link(archive))) };
}

function isWhole(archive: LargeArchive | undefined, answer: Download): boolean {
  return answer.status === 200 && !answer.cut && answer.sha256 === archive?.sha256;
}

test("an archive of 100 MB is never buffered whole", async () => {
  bench = await startLargeBench();
  const { archives, links } = await publish(1);
  const before = peakBytes();
  const answer = await download(links[0] ?? "");
  expect(isWhole(archives[0], answer)).toBe(true);
  expect(peakBytes() - before).toBeLessThan(60 * MB);
}, 60_000);

test.each([
  { name: "clients as fast as they can", bytesPerSecond: undefined },
  { name: "clients of 10 MB/s", bytesPerSecond: 10 * MB },
])(
  "twenty cold downloads of 100 MB at once stay below 300 MB of memory: $name",
  async ({ bytesPerSecond }) => {
    bench = await startLargeBench();
    const { archives, links } = await publish(20);
    const answers = await Promise.all(links.map((link) => download(link, bytesPerSecond === undefined ? {} : { bytesPerSecond })));
    expect(answers.filter((answer, at) => !isWhole(archives[at], answer))).toEqual([]);
    expect(peakBytes()).toBeLessThan(300 * MB);
  },
  240_000,
);
