import { setTimeout as sleep } from "node:timers/promises";

/** A pause that is shorter costs more than it spares. */
const LEAST_PAUSE_MS = 5;

/** Holds work to so many bytes a second, over all of it. */
export class Pace {
  readonly #bytesPerSecond: number;
  readonly #startedAt = performance.now();
  #bytes = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** After so many bytes: waits until they are due. Throws what `signal` is aborted with. */
  async took(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#bytes += bytes;
    const aheadMs = (this.#bytes / this.#bytesPerSecond) * 1000 - (performance.now() - this.#startedAt);
    if (aheadMs >= LEAST_PAUSE_MS) await sleep(aheadMs, undefined, signal ? { signal } : {});
  }
}
