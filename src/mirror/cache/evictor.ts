import type { Digest } from "../../core/digest.ts";
import type { PurlPattern } from "../../core/policy.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { CacheRecords, KeptBlob, RemovalCause, UsePlace } from "../../core/ports/cache-records.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import { Pinned } from "./pinned.ts";
import { reserved } from "./reserved.ts";

/** Why a blob stays that is old, or in the way. */
export const KEEP_REASONS = ["pinned", "lost upstream", "in use"] as const;
export type KeepReason = (typeof KEEP_REASONS)[number];

export interface Amount {
  readonly archives: number;
  readonly bytes: number;
}

export const NOTHING: Amount = { archives: 0, bytes: 0 };

/** What came of one walk along the least recently used. */
export interface Eviction {
  readonly removed: Amount;
  readonly kept: Readonly<Partial<Record<KeepReason, Amount>>>;
}

export interface EvictionOrder {
  readonly why: Extract<RemovalCause, "age" | "size">;
  /** Nothing that was used later, milliseconds since the epoch. */
  readonly unusedSince: number;
  /** Enough once so many bytes have gone. */
  readonly untilBytes: number;
  /** Only says what it would do. */
  readonly dryRun?: boolean;
}

export interface EvictorDeps {
  readonly records: Pick<CacheRecords, "leastUsed" | "holders" | "isHosted" | "pins" | "remove" | "reserve" | "unreserve">;
  readonly blobs: Pick<BlobStore, "remove">;
  readonly clock: Clock;
  readonly log: Log;
  readonly pins: readonly PurlPattern[];
  /** Names of the repositories that are configured: of the others nothing is served any more. */
  readonly repositories: ReadonlySet<string>;
  /** With no upstream connection nothing can be had again, so nothing is let go. */
  readonly offline: boolean;
  /** Whether this process is reading a blob. Who reads in another process reads on: the file is only nameless. */
  readonly isReading: (digest: Digest) => boolean;
  /** Hears of each blob that went: one that is kept open takes its room on the disk until it is closed. */
  readonly removed: (digest: Digest) => void;
}

const PAGE_ROWS = 200;

/**
 * Lets go of archives, the least recently used first. What they were admitted by stays: journal, evidence and digest, which the same archive must have when it is fetched again.
 * Never goes: what is pinned, published here, being read, or what its upstream lists no more and nobody could get again.
 */
export class Evictor {
  readonly #deps: EvictorDeps;

  constructor(deps: EvictorDeps) {
    this.#deps = deps;
  }

  async evict(order: EvictionOrder): Promise<Eviction> {
    const { records, pins, offline } = this.#deps;
    let removed: Amount = NOTHING;
    const kept: Partial<Record<KeepReason, Amount>> = {};
    if (offline) return { removed, kept };
    const pinned = await Pinned.load(records, pins);
    let after: UsePlace | undefined;
    for (;;) {
      const page: readonly KeptBlob[] = await records.leastUsed(PAGE_ROWS, { ...(after ? { after } : {}), unusedSince: order.unusedSince });
      for (const blob of page) {
        if (removed.bytes >= order.untilBytes) return { removed, kept };
        const reason =
          (await this.#reasonToKeep(blob, pinned)) ?? (order.dryRun || (await this.#remove(blob, order)) ? undefined : "in use");
        if (reason === undefined) removed = plus(removed, blob);
        else kept[reason] = plus(kept[reason], blob);
      }
      after = page.at(-1);
      if (!after) return { removed, kept };
    }
  }

  async #reasonToKeep({ digest }: KeptBlob, pinned: Pinned): Promise<KeepReason | undefined> {
    if (this.#deps.isReading(digest)) return "in use";
    const holders = await this.#deps.records.holders(digest);
    // The same bytes may be there under several names: they stay for the sake of any of them.
    if (holders.some(({ ref }) => pinned.matches(ref))) return "pinned";
    const isLost = holders.some(({ ref, listed }) => !listed && this.#deps.repositories.has(ref.repository));
    return isLost ? "lost upstream" : undefined;
  }

  /** Answers whether it did: not where the blob was used meanwhile, or is on its way in once more. */
  async #remove(blob: KeptBlob, { why }: EvictionOrder): Promise<boolean> {
    const { records, blobs, clock, log, isReading, removed } = this.#deps;
    return reserved(records, blob.digest, async () => {
      if (isReading(blob.digest) || (await records.isHosted(blob.digest))) return false;
      // The record first: a crash before the next line leaves a file that nobody misses, which the next collection takes.
      if (!(await records.remove(blob, { at: clock.now(), why, unusedSince: blob.lastUsedAt }))) return false;
      await blobs.remove(blob.digest);
      removed(blob.digest);
      log.info({ digest: blob.digest, sizeBytes: blob.sizeBytes, lastUsedAt: new Date(blob.lastUsedAt), why }, "evicted");
      return true;
    });
  }
}

function plus({ archives, bytes }: Amount = NOTHING, { sizeBytes }: KeptBlob): Amount {
  return { archives: archives + 1, bytes: bytes + sizeBytes };
}
