import type { Digest } from "../../core/digest.ts";
import type { BlobStore, StoredFile } from "../../core/ports/blob-store.ts";
import type { CacheRecords, KeptBlob } from "../../core/ports/cache-records.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import { type Amount, type Eviction, type Evictor, NOTHING } from "./evictor.ts";
import { reserved } from "./reserved.ts";
import { USE_GRAIN_MS } from "./uses.ts";
import { withLease } from "./with-lease.ts";

export interface CollectSettings {
  readonly maxBytes: number | undefined;
  /** What was not used for so long is let go; undefined for never. */
  readonly maxAgeMs: number | undefined;
  /** How long a document counts as fresh. */
  readonly metadataTtlMs: number;
  /** Whether documents stay of packages of which something was refused and nothing admitted: what the refusals rest on. */
  readonly keepRefusedEvidence: boolean;
}

export interface CollectDeps {
  readonly records: CacheRecords;
  readonly blobs: BlobStore;
  readonly index: Pick<Index, "lease" | "release" | "usage">;
  readonly evictor: Pick<Evictor, "evict">;
  readonly offline: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CollectOptions {
  /** Only says what it would do. */
  readonly dryRun?: boolean;
  /** Whether to rewrite the index at the end, so that its file is as small as can be. Other writers wait meanwhile. */
  readonly vacuum?: boolean;
  /** Ends it early, between two archives. */
  readonly signal?: AbortSignal;
}

/** What a collection did, or with `dryRun` would do. */
export interface CollectReport {
  readonly dryRun: boolean;
  /** Not used for `max_age`. */
  readonly byAge: Eviction;
  /** Beyond `max_size`. */
  readonly bySize: Eviction;
  /** Files that no record names: left by crashes. */
  readonly orphans: Amount;
  /** Records whose file is gone: taken off the count. They are fetched again when they are asked for. */
  readonly missing: Amount;
  readonly quarantine: Amount;
  readonly documents: { readonly documents: number; readonly bytes: number };
  /** What the file of the index is smaller by. */
  readonly indexBytesFreed: number;
  /** Afterwards. */
  readonly kept: Amount;
  readonly indexBytes: number;
}

const LEASE = "collect";
const PAGE_ROWS = 500;
/** A file is an orphan only after so long: its record may be about to be written, by an Assay that reserves nothing. */
const ORPHAN_AGE_MS = 3_600_000;
/** The index gives so much back at once, and lets others in between. */
const SHRINK_BYTES = 8 * 1024 * 1024;

/** Lets go of what is old or too much, and clears up what crashes left behind. Safe beside any number of processes that fetch and serve. */
export class Collector {
  readonly #deps: CollectDeps;
  readonly #settings: CollectSettings;

  constructor(deps: CollectDeps, settings: CollectSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** Throws BUSY where another process collects, and what the store throws; what was done until then stays done, and the next run goes on. */
  async collect(options: CollectOptions = {}): Promise<CollectReport> {
    return withLease(LEASE, "a collection", this.#deps, () => this.#collect(options));
  }

  async #collect({ dryRun = false, vacuum = false, signal }: CollectOptions): Promise<CollectReport> {
    const { records, blobs, index } = this.#deps;
    const missing = await this.#dropMissing(dryRun, signal);
    const orphans = await this.#removeOrphans(dryRun, signal);
    const byAge = await this.#evictOld(dryRun);
    const bySize = await this.#evictExcess(dryRun, byAge.removed.bytes);
    const documents = await this.#letGoOfDocuments(dryRun, signal);
    const { removedFiles, removedBytes } = dryRun ? { removedFiles: 0, removedBytes: 0 } : await blobs.sweep();
    const indexBytesFreed = dryRun ? 0 : vacuum ? await records.shrinkIndex({ whole: true }) : await this.#shrinkIndex(signal);
    const usage = await index.usage();
    return {
      dryRun,
      byAge,
      bySize,
      orphans,
      missing,
      quarantine: { archives: removedFiles, bytes: removedBytes },
      documents,
      indexBytesFreed,
      kept: { archives: usage.blobs, bytes: usage.blobBytes },
      indexBytes: usage.indexBytes,
    };
  }

  async #evictOld(dryRun: boolean): Promise<Eviction> {
    const { maxAgeMs } = this.#settings;
    if (maxAgeMs === undefined) return { removed: NOTHING, kept: {} };
    const unusedSince = this.#deps.clock.now() - maxAgeMs;
    return this.#deps.evictor.evict({ why: "age", unusedSince, untilBytes: Number.POSITIVE_INFINITY, dryRun });
  }

  /** `goneBytes` would have gone before, in a dry run. */
  async #evictExcess(dryRun: boolean, goneBytes: number): Promise<Eviction> {
    const { maxBytes } = this.#settings;
    const { blobBytes } = await this.#deps.index.usage();
    const untilBytes = maxBytes === undefined ? 0 : blobBytes - (dryRun ? goneBytes : 0) - maxBytes;
    if (untilBytes <= 0) return { removed: NOTHING, kept: {} };
    return this.#deps.evictor.evict({ why: "size", unusedSince: Number.MAX_SAFE_INTEGER, untilBytes, dryRun });
  }

  /** Of what was published here only the file can be missing; `scrub` tells of that. */
  async #dropMissing(dryRun: boolean, signal: AbortSignal | undefined): Promise<Amount> {
    const { records, blobs, clock, log } = this.#deps;
    const sum = { archives: 0, bytes: 0 };
    for await (const blob of this.#keptBlobs(signal)) {
      const isThere = async () => (await blobs.find(blob.digest, blob.sizeBytes)) !== undefined;
      if ((await isThere()) || (await records.isHosted(blob.digest))) continue;
      const drop = async () =>
        !(await isThere()) && (await records.remove(blob, { at: clock.now(), why: "missing", unusedSince: Number.MAX_SAFE_INTEGER }));
      if (!(dryRun || (await reserved(records, blob.digest, drop)))) continue;
      sum.archives++;
      sum.bytes += blob.sizeBytes;
      if (!dryRun)
        log.warn(
          { digest: blob.digest, sizeBytes: blob.sizeBytes },
          "an archive that was kept is gone; it is fetched again when it is asked for",
        );
    }
    return sum;
  }

  async #removeOrphans(dryRun: boolean, signal: AbortSignal | undefined): Promise<Amount> {
    const { records, blobs, log } = this.#deps;
    const sum = { archives: 0, bytes: 0 };
    for await (const file of blobs.files()) {
      signal?.throwIfAborted();
      if (!this.#isOld(file) || (await records.isWanted(file.digest))) continue;
      // Looked for again under the reservation: whoever brings these bytes in has written the record by then, or has not come to find the file.
      const remove = async () => !(await records.isWanted(file.digest)) && (await blobs.remove(file.digest));
      if (!(dryRun || (await reserved(records, file.digest, remove)))) continue;
      sum.archives++;
      sum.bytes += file.sizeBytes;
      if (!dryRun) log.info({ digest: file.digest, sizeBytes: file.sizeBytes }, "removed a file that no record names");
    }
    return sum;
  }

  /** Not one from the future, either: the clock went back since, and says nothing of its age. */
  #isOld({ changedAt }: StoredFile): boolean {
    return this.#deps.clock.now() - changedAt > ORPHAN_AGE_MS;
  }

  /** Offline no document can be had again. */
  async #letGoOfDocuments(dryRun: boolean, signal: AbortSignal | undefined): Promise<{ documents: number; bytes: number }> {
    const { records, clock, offline } = this.#deps;
    const { maxAgeMs, metadataTtlMs, keepRefusedEvidence } = this.#settings;
    const sum = { documents: 0, bytes: 0 };
    if (maxAgeMs === undefined || offline) return sum;
    // Not while it counts as fresh: a process that has it in memory goes by what it lists, and asks nobody.
    const unusedSince = clock.now() - Math.max(maxAgeMs, metadataTtlMs + USE_GRAIN_MS);
    const options = { unusedSince, alsoRefused: !keepRefusedEvidence };
    for (let after = 0; ; ) {
      const page = await records.idleDocuments(PAGE_ROWS, { ...options, after });
      for (const document of page) {
        signal?.throwIfAborted();
        if (!(dryRun || (await records.letGo(document)))) continue;
        sum.documents++;
        sum.bytes += document.storedBytes;
      }
      const last = page.at(-1);
      if (!last) return sum;
      after = last.id;
    }
  }

  async #shrinkIndex(signal: AbortSignal | undefined): Promise<number> {
    const { records } = this.#deps;
    let freedBytes = 0;
    while ((await records.freeIndexBytes()) > 0) {
      signal?.throwIfAborted();
      const freed = await records.shrinkIndex({ maxBytes: SHRINK_BYTES });
      if (freed === 0) break;
      freedBytes += freed;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return freedBytes;
  }

  async *#keptBlobs(signal: AbortSignal | undefined): AsyncGenerator<KeptBlob> {
    let after: Digest | undefined;
    for (;;) {
      const page: readonly KeptBlob[] = await this.#deps.records.keptBlobs(PAGE_ROWS, after);
      for (const blob of page) {
        signal?.throwIfAborted();
        yield blob;
      }
      after = page.at(-1)?.digest;
      if (after === undefined) return;
    }
  }
}
