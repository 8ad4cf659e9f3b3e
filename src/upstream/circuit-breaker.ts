import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { CircuitOptions } from "./options.ts";

export type Health = "well" | "failed" | "unclear";

/** Circuits kept at once. Origins come from indexes, so an index could name any number of them. */
const MAX_CIRCUITS = 256;

interface Circuit {
  failuresInARow: number;
  /** Milliseconds since the epoch until which nobody asks; 0 while closed. */
  openUntil: number;
  probing: boolean;
}

/** Stops asking origins that do not answer, so that what we hold is served at once and not after a timeout. One for each upstream. */
export class CircuitBreaker {
  readonly #options: CircuitOptions;
  readonly #clock: Clock;
  readonly #circuits = new Map<string, Circuit>();

  constructor(options: CircuitOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Runs `work`, and learns from what `judge` makes of its result or error. Throws UPSTREAM_CIRCUIT_OPEN, without running it, while `origin`
   * is known to be down; once the time is up, one call may try and decides for all.
   */
  async run<T>(origin: string, work: () => Promise<T>, judge: (outcome: { result: T } | { error: unknown }) => Health): Promise<T> {
    const circuit = this.#enter(origin);
    let health: Health = "unclear";
    try {
      const result = await work();
      health = judge({ result });
      return result;
    } catch (error) {
      health = judge({ error });
      throw error;
    } finally {
      this.#leave(circuit, health);
    }
  }

  /** How many origins are known to be down, until one of them is seen to answer. */
  get open(): number {
    return [...this.#circuits.values()].filter(({ openUntil }) => openUntil > 0).length;
  }

  #enter(origin: string): Circuit {
    const circuit = this.#circuits.get(origin) ?? { failuresInARow: 0, openUntil: 0, probing: false };
    this.#circuits.delete(origin); // Put back last: the map then forgets the origin used longest ago.
    this.#circuits.set(origin, circuit);
    const oldest = this.#circuits.keys().next().value;
    if (this.#circuits.size > MAX_CIRCUITS && oldest !== undefined) this.#circuits.delete(oldest);

    if (circuit.openUntil === 0) return circuit;
    const waitMs = circuit.openUntil - this.#clock.now();
    if (waitMs > 0 || circuit.probing) {
      throw new AssayError(
        "UPSTREAM_CIRCUIT_OPEN",
        `${origin} did not answer ${circuit.failuresInARow} times in a row, so it is left alone`,
        {
          retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
        },
      );
    }
    circuit.probing = true;
    return circuit;
  }

  #leave(circuit: Circuit, health: Health): void {
    circuit.probing = false;
    if (health === "well") {
      circuit.failuresInARow = 0;
      circuit.openUntil = 0;
    } else if (health === "failed") {
      circuit.failuresInARow++;
      if (circuit.failuresInARow >= this.#options.failures) circuit.openUntil = this.#clock.now() + this.#options.openMs;
    }
  }
}
