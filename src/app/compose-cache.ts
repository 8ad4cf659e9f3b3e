import type { Digest } from "../core/digest.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { CacheRecords } from "../core/ports/cache-records.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { Hot } from "../http/hot.ts";
import type { Readers } from "../http/readers.ts";
import { Collector } from "../mirror/cache/collector.ts";
import { Evictor } from "../mirror/cache/evictor.ts";
import { RemovalWatch } from "../mirror/cache/removal-watch.ts";
import { Space } from "../mirror/cache/space.ts";
import { Uses } from "../mirror/cache/uses.ts";
import { Background } from "./background.ts";
import type { Config } from "./config.ts";

export interface CacheParts {
  readonly records: CacheRecords;
  readonly blobs: BlobStore;
  readonly index: Index;
  readonly repositories: readonly Repository[];
  readonly readers: Readers;
  readonly hot: Hot;
  readonly clock: Clock;
  readonly log: Log;
}

/** What keeps the store within its bounds. */
export interface ComposedCache {
  readonly uses: Uses;
  readonly space: Space;
  readonly collector: Collector;
  /** A blob was found damaged: nothing that was read of it is sent. */
  readonly condemn: (digest: Digest) => void;
  /** Follows what other processes remove, and collects now and then. */
  start(): void;
  close(): Promise<void>;
}

const USES_FLUSH_MS = 5_000;
/** After a start: whoever starts a mirror wants it to answer first. */
const FIRST_COLLECTION_MS = 60_000;

export function composeCache(
  { cache, offline, metadataTtlMs }: Pick<Config, "cache" | "metadataTtlMs" | "offline">,
  parts: CacheParts,
): ComposedCache {
  const { records, blobs, index, repositories, readers, hot, clock, log } = parts;
  const uses = new Uses({ records, reading: () => readers.reading(), clock, log }, USES_FLUSH_MS);
  const evictor = new Evictor({
    records,
    blobs,
    clock,
    log,
    pins: cache.pins,
    repositories: new Set(repositories.map(({ name }) => name)),
    offline,
    isReading: (digest) => readers.isReading(digest),
    removed: (digest) => readers.release(digest),
  });
  const space = new Space({ records, blobs, index, evictor }, cache);
  const collector = new Collector({ records, blobs, index, evictor, offline, clock, log }, { ...cache, metadataTtlMs });
  const condemn = (digest: Digest): void => {
    hot.condemn(digest);
    readers.condemn(digest);
  };
  const watch = new RemovalWatch({ records, log, released: (digest) => readers.release(digest), condemned: condemn });
  const { gcEveryMs } = cache;
  let delayMs = gcEveryMs === undefined ? undefined : Math.min(FIRST_COLLECTION_MS, gcEveryMs);
  const background = new Background(
    {
      what: "a collection",
      nextInMs: async () => delayMs,
      work: async (signal) => {
        delayMs = gcEveryMs;
        log.info({ ...(await collector.collect({ signal })) }, "collected");
      },
    },
    log,
  );
  return {
    uses,
    space,
    collector,
    condemn,
    start: () => {
      watch.start();
      background.start();
    },
    close: async () => {
      watch.stop();
      await background.close();
      await uses.close();
    },
  };
}
