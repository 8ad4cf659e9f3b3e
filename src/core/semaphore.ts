import { AssayError } from "./errors.ts";

/** At most `slots` holders at a time; further ones wait in order, at most `queue` of them. */
export class Semaphore {
  readonly #queue: number;
  readonly #what: string;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** `what` names the guarded thing in the message of BUSY. */
  constructor(options: { slots: number; queue: number; what: string }) {
    this.#free = options.slots;
    this.#queue = options.queue;
    this.#what = options.what;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Waits for a slot; answers how to give it back, which counts once. Throws BUSY when the queue is full. */
  async acquire(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#queue) {
      throw new AssayError("BUSY", `${this.#queue} ${this.#what} wait for their turn already`, {
        help: "try again soon; the operator can raise limits.fetch_queue or the upstream's concurrency",
        retryAfterSeconds: 5,
      });
    } else await new Promise<void>((resolve) => this.#waiting.push(resolve)); // Whoever gives its slot back hands it over.
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await task();
    } finally {
      release();
    }
  }
}
