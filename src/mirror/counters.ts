import { latencyBucket, type UpstreamAnswers } from "../core/ports/activity.ts";
import { COUNTERS, type Counter, type Index, nothingCounted } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";

/** What an upstream's answers came to since they were last written. */
interface PendingAnswers {
  failed: number;
  maxMs: number;
  readonly buckets: Map<number, number>;
}

/** Counts in memory and writes to the index now and then: a hit must not wait for a disk. */
export class Counters {
  readonly #index: Pick<Index, "count">;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #pending = new Map<string, Record<Counter, number>>();
  #answers = new Map<string, PendingAnswers>();
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

  /** An upstream answered after so many milliseconds, or did not. */
  heard(upstream: string, answer: { readonly ms: number } | "failed"): void {
    const one =
      answer === "failed"
        ? { failed: 1, maxMs: 0, buckets: new Map<number, number>() }
        : { failed: 0, maxMs: answer.ms, buckets: new Map([[latencyBucket(answer.ms), 1]]) };
    addAnswers(answersOf(this.#answers, upstream), one);
  }

  sinceStart(): ReadonlyMap<string, Readonly<Record<Counter, number>>> {
    return this.#sinceStart;
  }

  /** Never throws: what could not be written is counted in the next batch. */
  async flush(): Promise<void> {
    const [pending, heard] = [this.#pending, this.#answers];
    if (pending.size === 0 && heard.size === 0) return;
    [this.#pending, this.#answers] = [new Map(), new Map()];
    const deltas = [...pending].flatMap(([repository, counts]) =>
      COUNTERS.filter((counter) => counts[counter] > 0).map((counter) => ({ repository, counter, by: counts[counter] })),
    );
    const answers = [...heard].map(([upstream, known]): UpstreamAnswers => ({ upstream, ...known }));
    try {
      await this.#index.count(deltas, answers);
    } catch (error) {
      this.#log.warn({ err: error }, "counters could not be written; they are kept for the next try");
      for (const { repository, counter, by } of deltas) countsOf(this.#pending, repository)[counter] += by;
      for (const { upstream, ...known } of answers) addAnswers(answersOf(this.#answers, upstream), known);
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

function answersOf(answers: Map<string, PendingAnswers>, upstream: string): PendingAnswers {
  const known = answers.get(upstream);
  if (known) return known;
  const none: PendingAnswers = { failed: 0, maxMs: 0, buckets: new Map() };
  answers.set(upstream, none);
  return none;
}

function addAnswers(to: PendingAnswers, { failed, maxMs, buckets }: Omit<UpstreamAnswers, "upstream">): void {
  to.failed += failed;
  to.maxMs = Math.max(to.maxMs, maxMs);
  for (const [bucket, answers] of buckets) to.buckets.set(bucket, (to.buckets.get(bucket) ?? 0) + answers);
}
