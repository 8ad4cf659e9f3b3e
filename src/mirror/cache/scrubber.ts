import type { Asker } from "../../core/decision.ts";
import type { Digest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { CacheRecords, KeptBlob } from "../../core/ports/cache-records.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import {
  type IndexFault,
  SCRUB_CHECKS,
  type ScrubCheck,
  type ScrubOutcome,
  type ScrubProgress,
  type ScrubRecords,
  type ScrubResult,
  type ScrubRun,
} from "../../core/ports/scrub-records.ts";
import { formatPurl } from "../../core/purl.ts";
import { hashBlob } from "../hash-blob.ts";
import type { Mirror } from "../obtain.ts";
import { Pace } from "./pace.ts";
import { reserved } from "./reserved.ts";
import { withLease } from "./with-lease.ts";

export interface ScrubDeps {
  readonly records: Pick<CacheRecords, "keptBlobs" | "kept" | "isHosted" | "holders" | "remove" | "reserve" | "unreserve">;
  readonly scrubs: ScrubRecords;
  readonly blobs: Pick<BlobStore, "find" | "open" | "setAside">;
  readonly index: Pick<Index, "lease" | "release">;
  readonly repositories: readonly Repository[];
  readonly mirror: Pick<Mirror, "obtain">;
  /** Hears of a blob that was found damaged, before anything else is done about it: what was read of it into memory may be wrong, too. */
  readonly condemned: (digest: Digest) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ScrubOptions {
  readonly bytesPerSecond: number;
  readonly signal?: AbortSignal;
}

/** What one look through the store found. */
export interface ScrubReport {
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Whether an earlier process began it. */
  readonly resumed: boolean;
  /** A line for each check, after what it found. */
  readonly results: readonly ScrubResult[];
  /** Whether nothing was found. */
  readonly clean: boolean;
}

const LEASE = "scrub";
const ASKER: Asker = { kind: "command", command: "scrub" };
const PAGE_ROWS = 100;

/**
 * Looks through all that is kept: hashes every archive, reads every document, journal line and decision, asks the database whether it is sound. What rotted is set aside, so that it
 * is never served again, and fetched anew by the road, which holds it to the digest that it had. Goes on where it was interrupted.
 */
export class Scrubber {
  readonly #deps: ScrubDeps;

  constructor(deps: ScrubDeps) {
    this.#deps = deps;
  }

  /** Throws BUSY where another process is at it, and what the store throws. */
  async scrub(options: ScrubOptions): Promise<ScrubReport> {
    return withLease(LEASE, "a look through the archives and the index", this.#deps, () => this.#scrub(options));
  }

  async #scrub(options: ScrubOptions): Promise<ScrubReport> {
    const { scrubs, clock } = this.#deps;
    const beganAt = clock.now();
    const run = await scrubs.begin(beganAt);
    const pace = new Pace(options.bytesPerSecond);
    for (const check of SCRUB_CHECKS.slice(SCRUB_CHECKS.indexOf(run.check))) {
      const before = check === run.check ? run.progress : { position: "", checked: 0, bytes: 0 };
      await scrubs.advance(run.id, check, before);
      const after = await this.#look(run, check, before, pace, options.signal);
      const isClean = !(await scrubs.results(run.id)).some((result) => result.check === check && result.subject !== undefined);
      await this.#add(run, { check, outcome: isClean ? "clean" : "found", detail: `${after.checked} looked at, ${after.bytes} bytes` });
    }
    await scrubs.finish(run.id, clock.now());
    const results = await scrubs.results(run.id);
    const clean = results.every(({ outcome }) => outcome === "clean");
    return { startedAt: run.startedAt, finishedAt: clock.now(), resumed: run.startedAt !== beganAt, results, clean };
  }

  async #look(run: ScrubRun, check: ScrubCheck, from: ScrubProgress, pace: Pace, signal: AbortSignal | undefined): Promise<ScrubProgress> {
    switch (check) {
      case "database": {
        const faults = await this.#deps.scrubs.checkDatabase();
        for (const fault of faults) await this.#addFault(run, check, fault);
        return { position: "", checked: 1, bytes: 0 };
      }
      case "archives":
        return this.#lookAtArchives(run, from, pace, signal);
      case "documents":
      case "journal":
      case "decisions":
        return this.#lookAtIndex(run, check, from, pace, signal);
      default:
        return check satisfies never;
    }
  }

  async #lookAtIndex(
    run: ScrubRun,
    check: "documents" | "journal" | "decisions",
    from: ScrubProgress,
    pace: Pace,
    signal: AbortSignal | undefined,
  ): Promise<ScrubProgress> {
    const { scrubs } = this.#deps;
    for (let progress = from; ; ) {
      const { checked, bytes, faults, next } = await scrubs.checkPage(check, progress.position);
      for (const fault of faults) {
        if (fault.document !== undefined) await scrubs.dropDocument(fault.document);
        await this.#addFault(run, check, fault);
      }
      if (next === undefined) return progress;
      progress = { position: next, checked: progress.checked + checked, bytes: progress.bytes + bytes };
      await scrubs.advance(run.id, check, progress);
      await pace.took(bytes, signal);
    }
  }

  async #lookAtArchives(run: ScrubRun, from: ScrubProgress, pace: Pace, signal: AbortSignal | undefined): Promise<ScrubProgress> {
    const { records, scrubs } = this.#deps;
    for (let progress = from; ; ) {
      const page = await records.keptBlobs(PAGE_ROWS, progress.position === "" ? undefined : (progress.position as Digest));
      if (page.length === 0) return progress;
      for (const blob of page) {
        const outcome = await this.#lookAtArchive(blob, pace, signal);
        if (outcome) await this.#add(run, { check: "archives", subject: `sha256 ${blob.digest}`, ...outcome });
        progress = { position: blob.digest, checked: progress.checked + 1, bytes: progress.bytes + blob.sizeBytes };
        await scrubs.advance(run.id, "archives", progress);
      }
    }
  }

  /** Undefined where all is well. */
  async #lookAtArchive(
    blob: KeptBlob,
    pace: Pace,
    signal: AbortSignal | undefined,
  ): Promise<Pick<ScrubResult, "outcome" | "detail"> | undefined> {
    const fault = await this.#faultIn(blob, pace, signal);
    if (fault === undefined) return undefined;
    const { records, log } = this.#deps;
    const isHosted = await records.isHosted(blob.digest);
    // Found once more under the reservation: it may have been let go, and even fetched anew, while it was read.
    const isRemoved = await reserved(records, blob.digest, async () => {
      const still = await this.#faultIn(blob, pace, signal);
      const isKept = isHosted || (await records.kept(blob.digest)) !== undefined;
      if (still === undefined || !isKept) return false;
      await this.#remove(blob, still.outcome);
      return true;
    });
    if (!isRemoved) return undefined;
    log.error({ digest: blob.digest, sizeBytes: blob.sizeBytes, fault: fault.detail }, "an archive in the store is not what was admitted");
    if (isHosted)
      return { outcome: "lost", detail: `${fault.detail}; it was published here, and nobody else has it: restore it from a backup` };
    return this.#fetchAnew(blob, fault);
  }

  async #faultIn(
    blob: KeptBlob,
    pace: Pace,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly outcome: "damaged" | "missing"; readonly detail: string } | undefined> {
    const { blobs } = this.#deps;
    try {
      const found = await blobs.find(blob.digest, blob.sizeBytes);
      if (!found) return { outcome: "missing", detail: `expected a file of ${blob.sizeBytes} bytes, got none of that size` };
      const computed = (await hashBlob(found, ["sha256"], blobs, (bytes) => pace.took(bytes, signal))).get("sha256");
      return computed === blob.digest ? undefined : { outcome: "damaged", detail: `expected sha256 ${blob.digest}, got ${computed}` };
    } catch (error) {
      // What cannot be read is as good as wrong.
      if (error instanceof AssayError && (error.code === "STORE_CORRUPT" || error.code === "STORE_IO")) {
        return { outcome: "damaged", detail: error.message };
      }
      throw error;
    }
  }

  async #remove(blob: KeptBlob, why: "damaged" | "missing"): Promise<void> {
    const { records, blobs, condemned, clock } = this.#deps;
    condemned(blob.digest);
    await blobs.setAside(blob.digest);
    await records.remove(blob, { at: clock.now(), why, unusedSince: Number.MAX_SAFE_INTEGER });
  }

  async #fetchAnew(
    { digest, sizeBytes }: KeptBlob,
    { outcome, detail }: { readonly outcome: ScrubOutcome; readonly detail: string },
  ): Promise<Pick<ScrubResult, "outcome" | "detail">> {
    const { records, repositories, mirror, blobs } = this.#deps;
    const reasons: string[] = [];
    for (const { ref } of await records.holders(digest)) {
      const repository = repositories.find(({ name }) => name === ref.repository);
      if (!repository) continue;
      try {
        const obtained = await mirror.obtain(repository, ref, ASKER);
        if (obtained.kind === "arriving") await obtained.flight.admission;
        if (await blobs.find(digest, sizeBytes)) return { outcome: "restored", detail: `${detail}; fetched anew as ${formatPurl(ref)}` };
        reasons.push(`${formatPurl(ref)} is refused now, or has other bytes`);
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        reasons.push(`${formatPurl(ref)}: ${error.message}`);
      }
    }
    return { outcome, detail: [detail, ...reasons.slice(0, 3)].join("; ") };
  }

  async #addFault(run: ScrubRun, check: ScrubCheck, { subject, detail, document }: IndexFault): Promise<void> {
    const next = document === undefined ? "restore assay.db from a backup" : "it is fetched again when it is used";
    await this.#add(run, { check, subject, outcome: "damaged", detail: `${detail}; ${next}` });
  }

  async #add(run: ScrubRun, result: Omit<ScrubResult, "at">): Promise<void> {
    await this.#deps.scrubs.add(run.id, { at: this.#deps.clock.now(), ...result });
  }
}
