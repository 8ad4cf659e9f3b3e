import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type DirectoryBench, startDirectoryBench } from "../../support/directory-bench.ts";
import { startMirror } from "../../support/mirror-bench.ts";
import { type ReadDirectory, readDirectory } from "../../support/read-directory.ts";

const PACKAGES = ["one", "two", "three", "four"];
const ROUNDS = 12;

function publishRound(bench: DirectoryBench, round: number): void {
  for (const [position, name] of PACKAGES.entries()) {
    const versions = ["1.0.0", "1.1.0", "1.2.0"].map((version, index) => ({ version, yanked: (round + position + index) % 3 === 0 }));
    bench.publish(name, versions);
  }
}

test("whoever reads while two processes write never finds an archive missing or other than its checksum", {
  timeout: 120_000,
}, async () => {
  const bench = await startDirectoryBench();
  publishRound(bench, 0);
  for (const name of PACKAGES) await bench.fetch(`${name}@1.0.0`, `${name}@1.1.0`, `${name}@1.2.0`);
  const { dataDir } = bench.mirror;
  const config = `policy: ${bench.policyFile}\nmetadata_ttl: 0s\nnegative_ttl: 0s\nrepositories: [{name: aam, ecosystem: aam, upstreams: [{url: "${bench.upstream.url("/aam/").href}", dialect: uaaps}]}]\n`;
  const other = await startMirror({ config, dataDir });
  try {
    const theirs = other.assay.directory({ path: bench.path, repository: undefined, asker: { kind: "command", command: "export" } });
    let isOver = false;
    const seen: ReadDirectory[] = [];
    const reading = (async () => {
      while (!isOver) {
        seen.push(await readDirectory(bench.path));
        await turn();
      }
    })();
    for (let round = 1; round <= ROUNDS; round++) {
      publishRound(bench, round);
      await Promise.all([bench.sync(), theirs.sync()]);
    }
    isOver = true;
    await reading;
    expect(seen.flatMap(({ problems }) => problems)).toEqual([]);
    expect(seen.reduce((most, { versions }) => Math.max(most, versions), 0)).toBeGreaterThan(PACKAGES.length);
    expect(await bench.sync()).toMatchObject({ written: 0, removed: 0, versions: 2 * PACKAGES.length });
  } finally {
    await other.close();
  }
});
