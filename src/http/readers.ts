import { LRUCache } from "lru-cache";
import type { Digest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobReader, BlobStore } from "../core/ports/blob-store.ts";

/** One open file for all who read a blob now, kept open a while for the next. */
export class Readers {
  readonly #blobs: Pick<BlobStore, "open">;
  readonly #open: LRUCache<Digest, Shared>;
  /** Also those that are open for the last of their readers only. */
  readonly #reading = new Map<Shared, Digest>();

  constructor(blobs: Pick<BlobStore, "open">, maxOpen: number) {
    this.#blobs = blobs;
    this.#open = new LRUCache({ max: maxOpen, dispose: (shared) => shared.retire() });
  }

  /** Throws STORE_CORRUPT, STORE_IO. The reader's `close` gives it back. */
  async open(blob: AdmittedBlob): Promise<BlobReader> {
    let shared = this.#open.get(blob.digest);
    if (!shared) {
      shared = new Shared(this.#blobs.open(blob), (borrowed, isRead) => {
        if (isRead) this.#reading.set(borrowed, blob.digest);
        else this.#reading.delete(borrowed);
      });
      this.#open.set(blob.digest, shared);
    }
    try {
      return wholeReader(blob, await shared.borrow(), () => this.#forget(blob, shared));
    } catch (error) {
      this.#forget(blob, shared);
      throw error;
    }
  }

  isReading(digest: Digest): boolean {
    return this.reading().includes(digest);
  }

  /** Blobs that somebody reads now. */
  reading(): readonly Digest[] {
    return [...this.#reading.values()];
  }

  /** The blob is no longer stored. Who reads it now reads on. */
  release(digest: Digest): void {
    this.#open.delete(digest);
  }

  /** The blob was found damaged. Who reads it now gets no more of it. */
  condemn(digest: Digest): void {
    for (const [shared, read] of this.#reading) if (read === digest) shared.condemn(digest);
    this.#open.delete(digest);
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
  readonly #told: (shared: Shared, isRead: boolean) => void;
  #borrowers = 0;
  #retired = false;
  #condemned: AssayError | undefined;

  /** `told` hears when the first borrower comes and when the last one has gone. */
  constructor(reader: Promise<BlobReader>, told: (shared: Shared, isRead: boolean) => void) {
    this.#reader = reader;
    this.#told = told;
    reader.catch(() => {}); // Whoever borrows hears of it.
  }

  async borrow(): Promise<BlobReader> {
    this.#borrowers++;
    this.#told(this, true);
    try {
      const reader = await this.#reader;
      return {
        sizeBytes: reader.sizeBytes,
        read: (target, position) => (this.#condemned ? Promise.reject(this.#condemned) : reader.read(target, position)),
        close: async () => this.#giveBack(),
      };
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }

  condemn(digest: Digest): void {
    this.#condemned = new AssayError("STORE_CORRUPT", `the archive under sha256 ${digest} was found damaged while it was sent`, {
      help: "ask again: it is fetched and checked anew",
    });
  }

  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  #giveBack(): void {
    this.#borrowers--;
    if (this.#borrowers === 0) this.#told(this, false);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.#retired || this.#borrowers > 0) return;
    this.#reader.then((reader) => reader.close()).catch(() => {}); // Read-only: a failing close loses nothing.
  }
}
