/** What a walk asks for: exactly that many bytes in one buffer, or whatever comes next, at most that many. */
export type Want = { readonly exactly: number } | { readonly atMost: number };

/**
 * Reads a format as straight code from bytes that arrive in pieces of any size: `const header = yield { exactly: 512 }`.
 * Where the data ends, a walk gets what is left, less than it asked for, and from then on empty buffers; it must then return or throw.
 * A buffer is valid until the walk yields again.
 */
export type Walk = Generator<Want, void, Buffer>;

const NOTHING = Buffer.alloc(0);

/** Pushes bytes into a walk. Holds less than one `exactly` at a time. */
export class ByteFeed {
  readonly #walk: Walk;
  #want: Want | undefined;
  #held: Buffer = NOTHING;

  constructor(walk: Walk) {
    this.#walk = walk;
    this.#want = next(walk.next());
  }

  /** Throws what the walk throws. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#want) {
      const wanted = "atMost" in this.#want ? this.#want.atMost : this.#want.exactly - this.#held.length;
      const piece = chunk.subarray(at, at + wanted);
      at += piece.length;
      if ("exactly" in this.#want && piece.length < wanted) this.#held = Buffer.concat([this.#held, piece]);
      else this.#step(piece);
    }
  }

  /** Tells the walk that no more comes. Throws what it throws. */
  end(): void {
    while (this.#want) this.#step(NOTHING);
  }

  #step(piece: Buffer): void {
    const given = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    this.#held = NOTHING;
    this.#want = next(this.#walk.next(given));
  }
}

function next(step: IteratorResult<Want, void>): Want | undefined {
  return step.done ? undefined : step.value;
}
