import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type DirectoryBench, startDirectoryBench } from "../../support/directory-bench.ts";

const DAY_MS = 86_400_000;
const ARCHIVE = "packages/tool/versions/1.0.0.aam";

/** A directory with one package, of a mirror that lets go of what nobody used for thirty days. */
async function start(): Promise<DirectoryBench> {
  const bench = await startDirectoryBench({ more: "cache: {max_age: 30d}" });
  bench.publish("tool", [{ version: "1.0.0" }]);
  expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
  await bench.sync();
  await bench.mirror.assay.cache.uses.flush();
  return bench;
}

const letGo = async ({ mirror }: DirectoryBench): Promise<number> => (await mirror.assay.cache.collector.collect()).byAge.removed.archives;

describe("what is in the directory, once the store lets go of what is old", { timeout: 60_000 }, () => {
  test("counts as used in each round, though nobody asks the mirror for it; what is not in it goes", async () => {
    const bench = await start();
    bench.publish("gone", [{ version: "1.0.0" }]);
    expect(await bench.fetch("gone@1.0.0")).toEqual([200]);
    bench.publish("gone", [{ version: "1.0.0", yanked: true }]);
    bench.mirror.advance(29 * DAY_MS);
    await bench.sync();
    await bench.mirror.assay.cache.uses.flush();
    bench.mirror.advance(2 * DAY_MS);
    expect(await letGo(bench)).toBe(1);
    await bench.sync();
    expect(bench.leftOut()).toEqual(["gone@1.0.0 YANKED"]);
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    expect(bench.upstream.requestsFor("/aam/packages/tool/1.0.0/tarball")).toHaveLength(1);
  });

  test("stays there without the store's copy, and is not fetched for it again", async () => {
    const bench = await start();
    bench.mirror.advance(31 * DAY_MS);
    expect(await letGo(bench)).toBe(1);
    expect(await bench.sync()).toMatchObject({ written: 0, removed: 0, leftOut: [] });
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect(bench.upstream.requestsFor("/aam/packages/tool/1.0.0/tarball")).toHaveLength(1);
  });

  test("and leaves it where the directory's own copy was changed, which is the only one", async () => {
    const bench = await start();
    bench.mirror.advance(31 * DAY_MS);
    expect(await letGo(bench)).toBe(1);
    writeFileSync(join(bench.path, ARCHIVE), "evil");
    await bench.sync();
    expect(bench.leftOut()).toEqual(["tool@1.0.0 NOT_HELD"]);
    expect([...bench.files().keys()].filter((path) => path.includes("tool"))).toEqual([]);
  });
});
