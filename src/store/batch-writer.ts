import * as fs from "node:fs";

/**
 * Measured: large batches, with the next one filling while one is written, store an archive in two thirds of the time that a write per
 * chunk takes. A quarter MiB is as fast as one, and each archive that arrives holds two of them.
 */
const BATCH_BYTES = 256 * 1024;

/** How long a byte may wait for its batch to fill. On a slow link batches go out part full, so that readers keep being fed. */
const BATCH_DELAY_MS = 4;

/** Buffers kept for the next archive. More are made when more archives arrive at once, and given up afterwards. */
const SPARE_BUFFERS = 8;

/** Lends out buffers of BATCH_BYTES. */
export class BatchBuffers {
  readonly #spare: Buffer<ArrayBuffer>[] = [];

  take(): Buffer<ArrayBuffer> {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  giveBack(buffer: Buffer<ArrayBuffer>): void {
    if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(buffer);
    // Freed now: the garbage collector sees a small object and takes its time.
    else buffer.buffer.transfer(0);
  }
}

/**
 * Appends chunks to a file in large batches: one batch is being written while the next one fills. Holds at most two batches;
 * `append` waits when both are full, and that wait is what slows the sender down to the disk's speed.
 */
export class BatchWriter {
  readonly #descriptor: number;
  readonly #buffers: BatchBuffers;
  readonly #onWritten: (bytes: number) => void;
  #batch: Buffer<ArrayBuffer> | undefined;
  #filled = 0;
  #position = 0;
  #writing: Promise<void> | undefined;
  #overdue = false;
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** `onWritten` is told how many bytes can be read from the file, each time that grew. */
  constructor(descriptor: number, buffers: BatchBuffers, onWritten: (bytes: number) => void) {
    this.#descriptor = descriptor;
    this.#buffers = buffers;
    this.#onWritten = onWritten;
  }

  /** Copies `chunk`, which its owner may reuse afterwards. Throws what an earlier write failed with. */
  async append(chunk: Uint8Array): Promise<void> {
    let taken = 0;
    while (taken < chunk.length) {
      if (this.#filled === BATCH_BYTES) await this.#writing;
      if (this.#failure) throw this.#failure.error;
      this.#batch ??= this.#buffers.take();
      const part = chunk.subarray(taken, taken + BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      this.#writeWhenDue();
    }
  }

  /** Writes what is left. Throws what a write failed with. */
  async finish(): Promise<void> {
    this.#overdue = true;
    this.#writeWhenDue();
    while (this.#writing) await this.#writing;
    this.#letGo();
    if (this.#failure) throw this.#failure.error;
  }

  /** Drops what is left, and waits for the write under way: its buffer must not be lent to another archive before. */
  async abandon(): Promise<void> {
    this.#failure ??= { error: new Error("abandoned") };
    await this.#writing;
    this.#letGo();
  }

  #writeWhenDue(): void {
    if (this.#writing || this.#failure || !this.#batch || this.#filled === 0) return;
    if (this.#filled < BATCH_BYTES && !this.#overdue) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#overdue = true;
        this.#writeWhenDue();
      }, BATCH_DELAY_MS);
      return;
    }
    this.#writing = this.#write(this.#batch, this.#filled);
    this.#batch = undefined;
    this.#filled = 0;
    this.#overdue = false;
    this.#stopTimer();
  }

  async #write(batch: Buffer<ArrayBuffer>, length: number): Promise<void> {
    try {
      for (let done = 0; done < length; ) done += await writeAt(this.#descriptor, batch, done, length - done, this.#position + done);
      this.#position += length;
      this.#onWritten(this.#position);
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#buffers.giveBack(batch);
      this.#writing = undefined;
      this.#writeWhenDue();
    }
  }

  #letGo(): void {
    this.#stopTimer();
    if (this.#batch) this.#buffers.giveBack(this.#batch);
    this.#batch = undefined;
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function writeAt(descriptor: number, bytes: Buffer, offset: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, offset, length, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}
