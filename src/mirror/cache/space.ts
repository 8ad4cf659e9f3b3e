import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AssayError } from "../../core/errors.ts";
import type { BlobStore, QuarantinedBlob, Reception } from "../../core/ports/blob-store.ts";
import type { CacheRecords } from "../../core/ports/cache-records.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { Semaphore } from "../../core/semaphore.ts";
import type { Evictor } from "./evictor.ts";

/** Bytes, or a share of the disk from 0 to 1. */
export type MinFree = { readonly bytes: number } | { readonly share: number };

export interface SpaceSettings {
  /** Of all archives together; undefined for no bound. */
  readonly maxBytes: number | undefined;
  /** What the disk must have left. */
  readonly minFree: MinFree;
}

export interface SpaceDeps {
  readonly records: Pick<CacheRecords, "reserve" | "unreserve">;
  readonly blobs: Pick<BlobStore, "freeSpace">;
  readonly index: Pick<Index, "usage">;
  readonly evictor: Pick<Evictor, "evict">;
}

/** Room for an archive that is being fetched. */
export interface Expectation {
  /** What has arrived takes its room on the disk already. */
  follow(reception: Pick<Reception, "receivedBytes">): void;
  end(): void;
}

/** Longer than it takes to move a file and to write a row. */
const RESERVED_MS = 60_000;
const POLL_MS = 20;
/** Past it something hangs. */
const PATIENCE_MS = 30_000;
/** So much more than is needed is let go at once, as a share of what the store may have: or each archive that comes would send one away. */
const SLACK = 0.05;
/** Room is made, and found taken by others, so often before an archive is turned away. */
const MOST_TRIES = 10;
const RETRY_SECONDS = 60;

/**
 * Sees to it that there is room before anything is kept. The store never has more than `maxBytes`, in however many processes: room is reserved in the index before an archive is
 * promoted, and the least recently used are let go for it. What is in quarantine comes on top.
 */
export class Space {
  readonly #deps: SpaceDeps;
  readonly #settings: SpaceSettings;
  readonly #expected = new Set<() => number>();
  /** One makes room at a time: two would each let go of enough for both. */
  readonly #making = new Semaphore({ slots: 1, queue: Number.POSITIVE_INFINITY, what: "archives" });

  constructor(deps: SpaceDeps, settings: SpaceSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /**
   * Before a download: whether an archive of this size, where it is known, would find room. Throws STORE_FULL where the disk is nearly full and nothing more can be let go: it must
   * not fill up, since the index needs it too, and what is held is served on.
   */
  async expect(sizeBytes: number | undefined): Promise<Expectation> {
    const { maxBytes } = this.#settings;
    if (sizeBytes !== undefined && maxBytes !== undefined && sizeBytes > maxBytes) throw larger(sizeBytes, maxBytes);
    let reception: Pick<Reception, "receivedBytes"> | undefined;
    const outstanding = (): number => Math.max(0, (sizeBytes ?? 0) - (reception?.receivedBytes ?? 0));
    this.#expected.add(outstanding);
    const end = (): void => void this.#expected.delete(outstanding);
    try {
      await this.#keepDiskFree();
    } catch (error) {
      end();
      throw error;
    }
    return { follow: (arriving) => (reception = arriving), end };
  }

  /**
   * Promotes an archive and writes its record, both in `store`, with room reserved for it: nobody removes these bytes meanwhile. Throws STORE_FULL where no room can be made, BUSY,
   * and what `store` throws.
   */
  async keep<T>({ digest, sizeBytes }: Pick<QuarantinedBlob, "digest" | "sizeBytes">, store: () => Promise<T>): Promise<T> {
    const owner = randomUUID();
    await this.#reserve({ digest, sizeBytes }, owner);
    try {
      return await store();
    } finally {
      await this.#deps.records.unreserve(digest, owner).catch(() => {}); // It runs out.
    }
  }

  async #reserve({ digest, sizeBytes }: Pick<QuarantinedBlob, "digest" | "sizeBytes">, owner: string): Promise<void> {
    const { maxBytes } = this.#settings;
    const since = performance.now();
    const attempt = () => this.#deps.records.reserve(digest, owner, { sizeBytes, maxBytes, ttlMs: RESERVED_MS });
    for (let tries = 0; tries < MOST_TRIES; ) {
      let reservation = await attempt();
      if (reservation.kind === "full") {
        reservation = await this.#making.run(async () => {
          const again = await attempt();
          if (again.kind !== "full") return again;
          const freedBytes = await this.#letGo(again.excessBytes + SLACK * (maxBytes ?? 0));
          tries = freedBytes === 0 ? MOST_TRIES : tries + 1;
          return attempt();
        });
      }
      if (reservation.kind === "reserved") return;
      if (reservation.kind === "full") continue;
      if (performance.now() - since > PATIENCE_MS) {
        throw new AssayError("BUSY", "the same bytes are being stored or removed by another process", {
          help: "ask again",
          retryAfterSeconds: 5,
        });
      }
      await sleep(POLL_MS);
    }
    throw this.#full(
      `the ${maxBytes} bytes of cache.max_size are taken`,
      "by what is pinned, in use or cannot be had again; raise cache.max_size, or pin less",
    );
  }

  async #keepDiskFree(): Promise<void> {
    const missing = await this.#missingBytes();
    if (missing <= 0) return;
    await this.#making.run(async () => {
      const still = await this.#missingBytes();
      // Where all of it would not be enough, nothing goes.
      if (still > 0 && still <= (await this.#deps.index.usage()).blobBytes) await this.#letGo(still);
    });
    if ((await this.#missingBytes()) <= 0) return;
    throw this.#full(
      "the disk is nearly full, as cache.min_free says",
      "free space on the disk of the data folder; what is held is served on",
    );
  }

  /** What the disk lacks once everything that is expected has come. */
  async #missingBytes(): Promise<number> {
    const { minFree } = this.#settings;
    const { freeBytes, totalBytes } = await this.#deps.blobs.freeSpace();
    const wanted = "bytes" in minFree ? minFree.bytes : Math.ceil(minFree.share * totalBytes);
    if (wanted === 0) return 0;
    return wanted + [...this.#expected].reduce((sum, outstanding) => sum + outstanding(), 0) - freeBytes;
  }

  async #letGo(bytes: number): Promise<number> {
    const { removed } = await this.#deps.evictor.evict({ why: "size", unusedSince: Number.MAX_SAFE_INTEGER, untilBytes: bytes });
    return removed.bytes;
  }

  #full(what: string, help: string): AssayError {
    return new AssayError("STORE_FULL", `nothing new is kept: ${what}`, { help, retryAfterSeconds: RETRY_SECONDS });
  }
}

function larger(sizeBytes: number, maxBytes: number): AssayError {
  return new AssayError(
    "STORE_FULL",
    `the archive has ${sizeBytes} bytes, more than the ${maxBytes} that cache.max_size allows all of them together`,
    {
      help: "raise cache.max_size",
    },
  );
}
