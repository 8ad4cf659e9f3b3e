import { COUNTERS, type Counter, type Index, nothingCounted } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";

/** Counts in memory and writes to the index now and then: a hit must not wait for a disk. */
export class Counters {
  readonly #index: Pick<Index, "count">;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #pending = new Map<string, Record<Counter, number>>();
  /** Of this process, for those who watch several: sums over all of them are in the index. */
  readonly #sinceStart = new Map<string, Record<Counter, number>>();

  constructor(index: Pick<Index, "count">, log: Log, flushEveryMs: number) {
    this.#index = index;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), flushEveryMs);
    this.#timer.unref();
  }

  add(repository: string, counter: Counter, by: number): void {
    countsOf(this.#pending, repository)[counter] += by;
    countsOf(this.#sinceStart, repository)[counter] += by;
  }

  sinceStart(): ReadonlyMap<string, Readonly<Record<Counter, number>>> {
    return this.#sinceStart;
  }

  /** Never throws: what could not be written is counted in the next batch. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    if (pending.size === 0) return;
    this.#pending = new Map();
    const deltas = [...pending].flatMap(([repository, counts]) =>
      COUNTERS.filter((counter) => counts[counter] > 0).map((counter) => ({ repository, counter, by: counts[counter] })),
    );
    try {
      await this.#index.count(deltas);
    } catch (error) {
      this.#log.warn({ err: error }, "counters could not be written; they are kept for the next try");
      for (const { repository, counter, by } of deltas) countsOf(this.#pending, repository)[counter] += by;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}

function countsOf(sums: Map<string, Record<Counter, number>>, repository: string): Record<Counter, number> {
  const known = sums.get(repository);
  if (known) return known;
  const counts = nothingCounted();
  sums.set(repository, counts);
  return counts;
}
