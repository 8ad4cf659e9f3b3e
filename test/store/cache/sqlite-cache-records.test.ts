import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { SqliteIndex } from "../../../src/store/sqlite-index.ts";
import { type CacheRecordsBench, cacheRecordsContract } from "../../contract/cache-records.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function sqliteBench(): CacheRecordsBench {
  const dataDir = temporaryFolder();
  let now = 0;
  return {
    async open() {
      const index = await SqliteIndex.open({ dataDir, clock: { now: () => now } });
      onTestFinished(() => index.close());
      return { index, records: index.cache };
    },
    setTime(time) {
      now = time;
    },
  };
}

describe("SqliteCacheRecords keeps the contract", () => cacheRecordsContract(sqliteBench));

test.each([
  { name: "a database of now gives freed pages back bit by bit", rewritten: false },
  { name: "one of before does once it was rewritten", rewritten: true },
])("$name", async ({ rewritten }) => {
  const dataDir = temporaryFolder();
  const path = join(dataDir, "assay.db");
  const index = await SqliteIndex.open({ dataDir, clock: { now: () => 0 } });
  onTestFinished(() => index.close());
  const raw = new Database(path);
  onTestFinished(() => void raw.close());
  if (rewritten) {
    raw.pragma("auto_vacuum = NONE");
    raw.exec("VACUUM");
  }
  raw.exec("CREATE TABLE filling (x BLOB)");
  for (let row = 0; row < 500; row++) raw.exec("INSERT INTO filling VALUES (randomblob(4000))");
  raw.exec("DROP TABLE filling");
  expect(await index.cache.freeIndexBytes()).toBeGreaterThan(1_000_000);
  const freedBytes = rewritten ? await index.cache.shrinkIndex({ whole: true }) : await index.cache.shrinkIndex({ maxBytes: 500_000 });
  expect(freedBytes).toBeGreaterThanOrEqual(rewritten ? 1_000_000 : 500_000);
  if (!rewritten) expect(freedBytes).toBeLessThan(600_000);
  const fresh = new Database(path);
  onTestFinished(() => void fresh.close());
  expect(fresh.pragma("auto_vacuum", { simple: true })).toBe(2);
});
