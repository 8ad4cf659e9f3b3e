import { LRUCache } from "lru-cache";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobReader, BlobStore } from "../core/ports/blob-store.ts";

/** One open file for all who read a blob now, kept open a while for the next. */
export class Readers {
  readonly #blobs: Pick<BlobStore, "open">;
  readonly #open: LRUCache<string, Shared>;

  constructor(blobs: Pick<BlobStore, "open">, maxOpen: number) {
    this.#blobs = blobs;
    this.#open = new LRUCache({ max: maxOpen, dispose: (shared) => shared.retire() });
  }

  /** Throws STORE_CORRUPT, STORE_IO. The reader's `close` gives it back. */
  async open(blob: AdmittedBlob): Promise<BlobReader> {
    let shared = this.#open.get(blob.digest);
    if (!shared) {
      shared = new Shared(this.#blobs.open(blob));
      this.#open.set(blob.digest, shared);
    }
    try {
      return wholeReader(blob, await shared.borrow(), () => this.#forget(blob, shared));
    } catch (error) {
      this.#forget(blob, shared);
      throw error;
    }
  }

  #forget(blob: AdmittedBlob, shared: Shared): void {
    if (this.#open.peek(blob.digest) === shared) this.#open.delete(blob.digest);
  }

  close(): void {
    this.#open.clear();
  }
}

/**
 * Fails where the file has become shorter than its blob, and has it opened anew next time: a damaged file is replaced under its name, and one
 * that stays open is still the damaged one.
 */
function wholeReader(blob: AdmittedBlob, reader: BlobReader, forget: () => void): BlobReader {
  return {
    ...reader,
    read: async (target, position) => {
      const got = await reader.read(target, position);
      if (got > 0 || target.length === 0 || position >= blob.sizeBytes) return got;
      forget();
      throw new AssayError("STORE_CORRUPT", `expected ${blob.sizeBytes} bytes under sha256 ${blob.digest}, found ${position}`, {
        help: "ask again: the archive is fetched and checked anew",
      });
    },
  };
}

/** Closes its file when it is retired and the last borrower has given it back. */
class Shared {
  readonly #reader: Promise<BlobReader>;
  #borrowers = 0;
  #retired = false;

  constructor(reader: Promise<BlobReader>) {
    this.#reader = reader;
    reader.catch(() => {}); // Whoever borrows hears of it.
  }

  async borrow(): Promise<BlobReader> {
    this.#borrowers++;
    try {
      const reader = await this.#reader;
      return {
        sizeBytes: reader.sizeBytes,
        read: (target, position) => reader.read(target, position),
        close: async () => this.#giveBack(),
      };
    } catch (error) {
      this.#borrowers--;
      throw error;
    }
  }

  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  #giveBack(): void {
    this.#borrowers--;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.#retired || this.#borrowers > 0) return;
    this.#reader.then((reader) => reader.close()).catch(() => {}); // Read-only: a failing close loses nothing.
  }
}
