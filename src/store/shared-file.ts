import * as fs from "node:fs";
import { AssayError } from "../core/errors.ts";
import { storeError } from "./store-error.ts";

/**
 * One open file with several users, closed when the last of them lets go. Moving or removing the file under its name does not
 * disturb them. Counts reads that are under way as users: a descriptor closed too early may already be another file's.
 */
export class SharedFile {
  readonly #descriptor: Promise<number>;
  #users = 1;
  #closed: Promise<void> = Promise.resolve();

  /** Takes over the descriptor; `release` lets go of this first use of it. Where opening fails, every `read` throws why. */
  constructor(descriptor: Promise<number>) {
    this.#descriptor = descriptor;
    // Whoever opened the file reports the failure; a SharedFile that is never read must not report it a second time as unhandled.
    descriptor.catch(() => {});
    this.release = this.#once();
  }

  /** Lets go of the use that came with the constructor. Resolves once the file is closed, if this was the last use. */
  readonly release: () => Promise<void>;

  /** One more user; answers how to let go. Throws STORE_IO where the last user has gone. */
  retain(): () => Promise<void> {
    this.#mustBeOpen();
    this.#users++;
    return this.#once();
  }

  /** Copies up to `length` bytes from `position` into `target`; answers how many, 0 at the end. Throws STORE_IO. */
  async read(target: Uint8Array, length: number, position: number): Promise<number> {
    const done = this.retain();
    try {
      return await readAt(await this.#descriptor, target, length, position);
    } catch (error) {
      throw storeError(error, "read from the store");
    } finally {
      void done();
    }
  }

  #mustBeOpen(): void {
    if (this.#users === 0) throw new AssayError("STORE_IO", "these bytes are no longer held");
  }

  #once(): () => Promise<void> {
    let held = true;
    return () => {
      if (held) {
        held = false;
        this.#users--;
        if (this.#users === 0) this.#closed = this.#descriptor.then(close, () => {});
      }
      return this.#closed;
    };
  }
}

function readAt(descriptor: number, target: Uint8Array, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(descriptor, target, 0, length, position, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)));
  });
}

/** What was written is synced before, so a failing close loses nothing. */
function close(descriptor: number): Promise<void> {
  return new Promise((resolve) => fs.close(descriptor, () => resolve()));
}
