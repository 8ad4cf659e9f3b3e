import { AssayError } from "../core/errors.ts";

/** Lets so many in at once and so many wait, first come first served. */
export class Turnstile {
  readonly #capacity: number;
  readonly #queueLength: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(capacity: number, queueLength: number) {
    this.#capacity = capacity;
    this.#queueLength = queueLength;
  }

  /** Answers how to leave; leaving twice is a no-op. Throws BUSY where the queue is full. */
  async enter(): Promise<() => void> {
    if (this.#inside < this.#capacity) this.#inside++;
    else if (this.#waiting.length >= this.#queueLength) {
      throw new AssayError("BUSY", `${this.#inside} upstream requests are running and ${this.#waiting.length} wait`, {
        retryAfterSeconds: 5,
        help: "raise limits.fetch_queue or the upstream's concurrency if that is right",
      });
    } else await new Promise<void>((resolve) => this.#waiting.push(resolve)); // Whoever leaves hands over its place.

    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    };
  }
}
