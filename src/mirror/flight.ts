import type { ArtifactRef } from "../core/artifact.ts";
import { AssayError } from "../core/errors.ts";
import type { Reception } from "../core/ports/blob-store.ts";
import type { Admission } from "../core/verdict.ts";
import type { Arrival } from "./admit.ts";

/** How much of an archive stays back until the verdict: this many bytes of its end, or all of it. */
export type Withhold = number | "all";

/**
 * A client gives up after a silence of 15 s (pip) or 30 s (uv), and the check of a wheel of gigabytes takes longer. So a little more than the
 * withheld end stays back, and goes out a piece at a time while the verdict is awaited: enough for ten minutes, the withheld end never.
 */
const TRICKLE_MS = 5_000;
const TRICKLE_BYTES = 512;
const TRICKLE_RESERVE_BYTES = 64 * 1024;

type Outcome = { readonly kind: "admission"; readonly admission: Admission } | { readonly kind: "error"; readonly error: unknown };

/**
 * One archive being fetched, and everybody who waits for it. All are fed from the one growing file; one that leaves disturbs nobody.
 * Bytes before the withheld end flow as they arrive; the end is released by an admit verdict only, so no client ever holds a whole
 * archive that was not admitted.
 */
export class Flight {
  readonly ref: ArtifactRef;
  /** Rejects where the fetch failed. */
  readonly admission: Promise<Admission>;
  readonly #withhold: Withhold;
  readonly #watchers = new Set<() => void>();
  #arrival: Arrival | undefined;
  #letGo: () => void = () => {};
  #flowed = false;
  #trickledBytes = 0;
  #trickle: NodeJS.Timeout | undefined;
  #outcome: Outcome | undefined;

  /** `start` walks the road and reports the arrival of bytes. */
  constructor(ref: ArtifactRef, withhold: Withhold, start: (arriving: (arrival: Arrival) => void) => Promise<Admission>) {
    this.ref = ref;
    this.#withhold = withhold;
    this.admission = start((arrival) => this.#begin(arrival));
    this.admission.then(
      (admission) => this.#settle({ kind: "admission", admission }),
      (error: unknown) => this.#settle({ kind: "error", error }),
    );
  }

  /** How much of the archive has come by now. */
  get receivedBytes(): number {
    return this.#arrival?.reception.receivedBytes ?? 0;
  }

  /** Whether bytes went out before the verdict: on a refusal, clients were cut off without a reason. */
  get flowed(): boolean {
    return this.#flowed;
  }

  /**
   * Waits until there is something to say: the admission, or, where the archive is larger than what is withheld, a reader of its first bytes.
   * Throws what the fetch threw.
   */
  async ready(): Promise<
    { readonly kind: "decided"; readonly admission: Admission } | { readonly kind: "flowing"; readonly reader: FlightReader }
  > {
    for (;;) {
      if (this.#outcome?.kind === "error") throw this.#outcome.error;
      if (this.#outcome?.kind === "admission") return { kind: "decided", admission: this.#outcome.admission };
      if (this.#arrival && this.#releasedBytes(this.#arrival) > 0) return { kind: "flowing", reader: this.#reader(this.#arrival) };
      await this.#change();
    }
  }

  #begin(arrival: Arrival): void {
    this.#arrival = arrival;
    // Its bytes stay readable until the outcome is known here: who comes between promotion (or removal) and that must find one of the two.
    this.#letGo = arrival.reception.hold();
    arrival.reception.onProgress(() => this.#wake());
    arrival.reception.whole.then(
      () => this.#startTrickle(),
      () => {}, // The admission fails with it.
    );
    this.#wake();
  }

  #startTrickle(): void {
    if (this.#outcome) return;
    this.#trickle = setInterval(() => {
      this.#trickledBytes = Math.min(this.#trickledBytes + TRICKLE_BYTES, TRICKLE_RESERVE_BYTES);
      this.#wake();
    }, TRICKLE_MS);
  }

  #settle(outcome: Outcome): void {
    this.#outcome = outcome;
    clearInterval(this.#trickle);
    this.#letGo();
    this.#wake();
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.add(resolve));
  }

  #releasedBytes({ reception, sizeBytes }: Arrival): number {
    if (this.#outcome?.kind === "admission" && this.#outcome.admission.verdict.kind === "admit") return reception.receivedBytes;
    if (this.#withhold === "all") return 0;
    // Without an announced size the end may be anywhere: hold back from what is here.
    const withheldFrom = (sizeBytes ?? reception.receivedBytes) - this.#withhold;
    return Math.max(0, Math.min(reception.receivedBytes, withheldFrom - TRICKLE_RESERVE_BYTES + this.#trickledBytes));
  }

  #reader(arrival: Arrival): FlightReader {
    this.#flowed = true;
    const letGo = arrival.reception.hold();
    return new FlightReader(arrival, letGo, async (position) => {
      for (;;) {
        const released = this.#releasedBytes(arrival);
        if (position < released) return released;
        if (this.#outcome?.kind === "error") throw this.#outcome.error;
        if (this.#outcome?.kind === "admission") {
          if (this.#outcome.admission.verdict.kind === "admit") return released;
          throw new RefusedMidway();
        }
        await this.#change();
      }
    });
  }
}

/** The archive was refused after its first bytes had gone out: the connection must be cut, short of its Content-Length. */
export class RefusedMidway extends AssayError {
  constructor() {
    super("INTERNAL", "the archive was refused while it was being sent");
  }
}

/** Reads an arriving archive as far as it is released, waiting for more. */
export class FlightReader {
  /** What upstream announced; undefined where it announced nothing. */
  readonly sizeBytes: number | undefined;
  readonly #reception: Reception;
  readonly #letGo: () => void;
  readonly #releasedPast: (position: number) => Promise<number>;

  constructor(arrival: Arrival, letGo: () => void, releasedPast: (position: number) => Promise<number>) {
    this.sizeBytes = arrival.sizeBytes;
    this.#reception = arrival.reception;
    this.#letGo = letGo;
    this.#releasedPast = releasedPast;
  }

  /** Copies released bytes from `position` into `target`, waiting for them; answers 0 at the end. Throws when the archive is refused or its fetch fails. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const released = await this.#releasedPast(position);
    if (position >= released) return 0;
    return this.#reception.read(target.subarray(0, Math.min(target.length, released - position)), position);
  }

  async close(): Promise<void> {
    this.#letGo();
  }
}
