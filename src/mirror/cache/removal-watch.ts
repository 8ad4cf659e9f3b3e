import type { Digest } from "../../core/digest.ts";
import type { CacheRecords } from "../../core/ports/cache-records.ts";
import type { Log } from "../../core/ports/log.ts";

export interface RemovalWatchDeps {
  readonly records: Pick<CacheRecords, "newestRemoval" | "removalsAfter">;
  readonly log: Log;
  /** The blob is no longer stored; what was read of it is as good as it was. */
  readonly released: (digest: Digest) => void;
  /** What is stored of the blob was found damaged, and what was read of it may be. */
  readonly condemned: (digest: Digest) => void;
}

/** How soon a process that serves from memory hears of what another one found. */
const REMOVAL_WATCH_MS = 1_000;
const PAGE_ROWS = 500;

/** Hears of every removal, by whichever process. */
export class RemovalWatch {
  readonly #deps: RemovalWatchDeps;
  #seen: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: RemovalWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), REMOVAL_WATCH_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never throws: what could not be read is read with the next look. */
  async look(): Promise<void> {
    const { records, log, released, condemned } = this.#deps;
    try {
      // What was removed before this process had anything in memory says nothing to it.
      this.#seen ??= await records.newestRemoval();
      for (;;) {
        const page = await records.removalsAfter(this.#seen, PAGE_ROWS);
        for (const { digest, why } of page) (why === "damaged" ? condemned : released)(digest);
        const last = page.at(-1);
        if (!last) return;
        this.#seen = last.id;
      }
    } catch (error) {
      log.warn({ err: error }, "what other processes removed could not be read");
    }
  }
}
