import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { type LargeArchive, largeTarball, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";
import { Random } from "../support/random.ts";
import { expectSoundStore } from "../support/sound-store.ts";

const MB = 1_000_000;
const ROUNDS = 20;
const SEED = 20_261_123;
/** Larger than what is withheld, and smaller: both roads are cut. */
const payloads = [noise(12 * MB), noise(2 * MB), noise(40_000)];

/**
 * Kills the server in the middle of cold downloads, again and again, at moments from before the first byte to after the last row. After each
 * kill: nothing in the store is other than its name says, the index is sound, and what a client took for a whole answer was the right one.
 */
test("kill -9 at any moment leaves nothing partial, and a retry succeeds", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-crash-"));
  const bench = await startLargeBench({ dataDir });
  const chance = new Random(SEED);
  const published: LargeArchive[] = [];
  let assay = bench.assay;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bench.upstream.limit(10 * MB + chance.below(60 * MB));
      const fresh = publishRound(bench, round);
      published.push(...fresh);
      const links = await Promise.all(fresh.map((archive) => bench.link(archive, assay)));
      const underWay = links.flatMap((link) => [download(link), download(link)]);
      await delay(chance.below(700));
      await assay.kill();
      for (const [at, answer] of (await Promise.all(underWay)).entries()) {
        if (answer.status === 200 && !answer.cut) expect(answer.sha256).toBe(fresh[at >> 1]?.sha256);
      }
      expectSoundStore(dataDir);
      assay = await bench.another();
      // What the crash cut short is fetched again now; what was admitted in an earlier round is still there.
      const again = [...fresh, published[chance.below(published.length)] ?? fresh[0]].filter((archive) => archive !== undefined);
      for (const archive of again) {
        expect(await download(await bench.link(archive, assay))).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
      }
    }
    await assay.stop();
    assay = await bench.another();
    await expect.poll(() => readdirSync(join(dataDir, "tmp"))).toEqual([]);
    bench.upstream.limit(0);
    for (const archive of published) {
      expect(await download(await bench.link(archive, assay))).toMatchObject({ status: 200, cut: false, sha256: archive.sha256 });
    }
  } finally {
    await assay.stop();
    await bench.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 360_000);

function publishRound({ upstream }: LargeBench, round: number): readonly LargeArchive[] {
  const archives = payloads.flatMap((payload, size) => [
    largeWheel(`crash${round}x${size}`, payload),
    largeTarball(`crash${round}x${size}`, payload),
  ]);
  for (const archive of archives) upstream.publish(archive);
  return archives;
}
