const CHUNK_BYTES = 256 * 1024;

/** Puts a long answer together from many small pieces. With the right `expectedBytes` each byte is held once; past it, twice in `finish`. */
export class ByteWriter {
  readonly #full: Buffer[] = [];
  #chunk: Buffer;
  #used = 0;

  constructor(expectedBytes = CHUNK_BYTES) {
    this.#chunk = Buffer.allocUnsafe(expectedBytes);
  }

  text(text: string): void {
    if (Buffer.byteLength(text) > this.#chunk.length - this.#used) this.bytes(Buffer.from(text));
    else this.#used += this.#chunk.write(text, this.#used);
  }

  bytes(bytes: Buffer): void {
    let taken = 0;
    while (taken < bytes.length) {
      if (this.#used === this.#chunk.length) {
        this.#full.push(this.#chunk);
        this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        this.#used = 0;
      }
      const copied = bytes.copy(this.#chunk, this.#used, taken);
      this.#used += copied;
      taken += copied;
    }
  }

  finish(): Buffer {
    const last = this.#chunk.subarray(0, this.#used);
    return this.#full.length === 0 ? last : Buffer.concat([...this.#full, last]);
  }
}
