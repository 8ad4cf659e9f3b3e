import { LRUCache } from "lru-cache";
import type { Digest } from "../../core/digest.ts";
import type { CacheRecords, DocumentUse } from "../../core/ports/cache-records.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DocumentRequest } from "../../core/ports/documents.ts";
import type { Log } from "../../core/ports/log.ts";

interface UsesDeps {
  readonly records: Pick<CacheRecords, "noteUses">;
  /** Blobs that are being read now: a download that takes an hour is one long use. */
  readonly reading: () => Iterable<Digest>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Last uses are known to the minute: what is used all the time is one small write a minute, however often. */
export const USE_GRAIN_MS = 60_000;
/** Things whose last write is remembered. One that is forgotten is written once more than it had to be. */
const MOST_REMEMBERED = 100_000;

/** Notes in memory what is used, and writes it down now and then: a hit must not wait for a disk. */
export class Uses {
  readonly #deps: UsesDeps;
  readonly #timer: NodeJS.Timeout;
  readonly #written = new LRUCache<string, number>({ max: MOST_REMEMBERED });
  #blobs = new Map<Digest, number>();
  #documents = new Map<string, DocumentUse>();

  constructor(deps: UsesDeps, flushEveryMs: number) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.flush(), flushEveryMs);
    this.#timer.unref();
  }

  blob(digest: Digest): void {
    if (this.#blobs.size < MOST_REMEMBERED) this.#blobs.set(digest, this.#deps.clock.now());
  }

  document({ repository, key, package: about }: Pick<DocumentRequest, "repository" | "key" | "package">): void {
    if (this.#documents.size >= MOST_REMEMBERED) return;
    const usedAt = this.#deps.clock.now();
    this.#documents.set(`${repository}\0${key}`, { repository, key, usedAt, ...(about === undefined ? {} : { package: about }) });
  }

  /** Never throws: what could not be written is written with the next batch. */
  async flush(): Promise<void> {
    for (const digest of this.#deps.reading()) this.blob(digest);
    const [blobs, documents] = [this.#blobs, this.#documents];
    this.#blobs = new Map();
    this.#documents = new Map();
    const due = {
      blobs: new Map([...blobs].filter(([digest, usedAt]) => this.#isDue(digest, usedAt))),
      documents: [...documents].flatMap(([key, use]) => (this.#isDue(key, use.usedAt) ? [use] : [])),
    };
    try {
      await this.#deps.records.noteUses(due);
      for (const [digest, usedAt] of due.blobs) this.#written.set(digest, usedAt);
      for (const use of due.documents) this.#written.set(`${use.repository}\0${use.key}`, use.usedAt);
    } catch (error) {
      this.#deps.log.warn({ err: error }, "what was used could not be written; it is kept for the next try");
      for (const [digest, usedAt] of due.blobs) if (!this.#blobs.has(digest)) this.#blobs.set(digest, usedAt);
      for (const use of due.documents) {
        const key = `${use.repository}\0${use.key}`;
        if (!this.#documents.has(key)) this.#documents.set(key, use);
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** Also where the clock went back: what is written then says so. */
  #isDue(key: string, usedAt: number): boolean {
    const written = this.#written.get(key);
    return written === undefined || Math.abs(usedAt - written) >= USE_GRAIN_MS;
  }
}
