import { existsSync } from "node:fs";
import { join } from "node:path";
import { AssayError } from "../core/errors.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { CacheRecords } from "../core/ports/cache-records.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DecisionTree } from "../core/ports/decision-tree.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { ScrubRecords } from "../core/ports/scrub-records.ts";
import { FileBlobs } from "./file-blobs.ts";
import { makeFolder } from "./folders.ts";
import { SqliteDecisionTree } from "./log/sqlite-decision-tree.ts";
import { SqliteIndex, type SqliteIndexOptions } from "./sqlite-index.ts";
import { storeError } from "./store-error.ts";

export interface Store {
  readonly blobs: BlobStore;
  readonly index: Index;
  /** Closed with the index, both of these. */
  readonly cache: CacheRecords;
  readonly scrub: ScrubRecords;
}

/**
 * Opens the index alone, of a data folder that has one, beside a mirror that may be running on it. Throws NOT_FOUND where there is none: a mistyped folder is not made.
 * Otherwise as `openStore`.
 */
export async function openExistingIndex(options: SqliteIndexOptions): Promise<Index> {
  requireIndex(options);
  return SqliteIndex.open(options);
}

/** The same for the hash tree over the decision log, through a connection of its own. */
export async function openExistingTree(options: { readonly dataDir: string }): Promise<DecisionTree> {
  requireIndex(options);
  return SqliteDecisionTree.open(options);
}

function requireIndex({ dataDir }: { readonly dataDir: string }): void {
  if (existsSync(join(dataDir, "assay.db"))) return;
  throw new AssayError("NOT_FOUND", `there is no index in ${dataDir}`, { help: "name the mirror's data folder with --data" });
}

/** Lends the records of the cache alone, beside a mirror that may be running on the data folder; it is made where it is missing. Otherwise as `openStore`. */
export async function withCacheRecords<T>(options: SqliteIndexOptions, work: (records: CacheRecords) => Promise<T>): Promise<T> {
  await makeDataFolder(options.dataDir);
  const index = await SqliteIndex.open(options);
  try {
    return await work(index.cache);
  } finally {
    await index.close();
  }
}

/**
 * Opens the data folder, made where it is missing: `assay.db`, `blobs-v1/`, `tmp/`. Several processes may have it open.
 * Throws CONFIG_INVALID, STORE_CORRUPT, STORE_FULL, STORE_IO, BUSY. Close both parts, the blobs first.
 */
export async function openStore(options: { readonly dataDir: string; readonly clock: Clock; readonly log: Log }): Promise<Store> {
  await makeDataFolder(options.dataDir);
  const index = await SqliteIndex.open(options);
  try {
    return { index, cache: index.cache, scrub: index.scrub, blobs: await FileBlobs.open(options) };
  } catch (error) {
    await index.close();
    throw error;
  }
}

async function makeDataFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (error) {
    throw storeError(error, "make the data folder");
  }
}
