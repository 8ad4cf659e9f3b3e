import type { Log } from "../core/ports/log.ts";

export interface BackgroundTask {
  /** Names it in the log. */
  readonly what: string;
  /** How long to wait before it is done next, or is asked again; undefined for never again. */
  readonly nextInMs: () => Promise<number | undefined>;
  readonly work: (signal: AbortSignal) => Promise<void>;
}

/** A timer cannot wait longer. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** Does something again and again, one time after the other, until it is closed. A failure is logged, and the next time comes all the same. */
export class Background {
  readonly #task: BackgroundTask;
  readonly #log: Log;
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(task: BackgroundTask, log: Log) {
    this.#task = task;
    this.#log = log;
  }

  start(): void {
    this.#running = this.#wait();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #wait(): Promise<void> {
    const nextInMs = await this.#attempt(this.#task.nextInMs);
    if (nextInMs === undefined || this.#ending.signal.aborted) return;
    const begin = (): void => {
      this.#running = this.#attempt(() => this.#task.work(this.#ending.signal)).then(() => this.#wait());
    };
    this.#timer = setTimeout(begin, Math.min(nextInMs, MOST_TIMER_MS)).unref();
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#log.warn({ err: error }, `${this.#task.what} failed in the background`);
      return undefined;
    }
  }
}
