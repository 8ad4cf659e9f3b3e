import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../core/ports/log.ts";
import type { DirectoryReport } from "../../mirror/directory/registry-directory.ts";

/** Changes that come together make one round. */
const GATHER_MS = 250;
/** A round takes at most this part of the time, however many packages there are. */
const REST_FACTOR = 9;

/** Keeps a directory in step as long as it runs: after each change that it hears of, and every so often for those that nobody tells. Never more than one round at once. */
export class DirectoryKeeper {
  readonly #sync: () => Promise<DirectoryReport>;
  readonly #everyMs: number;
  readonly #log: Log;
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #hasChanged = false;
  #working: Promise<void> | undefined;
  #lastProblem = "";

  constructor(sync: () => Promise<DirectoryReport>, { everyMs, log }: { readonly everyMs: number; readonly log: Log }) {
    this.#sync = sync;
    this.#everyMs = everyMs;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => this.changed(), this.#everyMs);
    this.#timer.unref();
    this.changed();
  }

  /** What is admitted may be another now. Answers at once. */
  changed(): void {
    this.#hasChanged = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#hasChanged && !this.#ended.signal.aborted) this.changed();
    });
  }

  /** Lets the round under way end. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#ended.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    let restMs = GATHER_MS;
    while (this.#hasChanged && (await this.#rested(restMs))) {
      this.#hasChanged = false;
      const began = performance.now();
      await this.#round();
      restMs = Math.max(GATHER_MS, REST_FACTOR * (performance.now() - began));
    }
  }

  /** False where it is over. */
  async #rested(ms: number): Promise<boolean> {
    await sleep(ms, undefined, { signal: this.#ended.signal, ref: false }).catch(() => {});
    return !this.#ended.signal.aborted;
  }

  async #round(): Promise<void> {
    try {
      const { packages, versions, written, removed, leftOut } = await this.#sync();
      this.#lastProblem = "";
      if (written + removed === 0) return;
      this.#log.info({ packages, versions, written, removed, leftOut: leftOut.length }, "the aam directory was brought in step");
    } catch (error) {
      // Told once, not every minute; the next round tries again.
      const problem = String(error);
      if (problem !== this.#lastProblem)
        this.#log.error({ err: error }, "the aam directory could not be brought in step: it stays as it is");
      this.#lastProblem = problem;
    }
  }
}
