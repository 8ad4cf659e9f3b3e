import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { attemptOutput } from "./attempt-output.ts";

/**
 * The file that a bundle is written to, or its parts `FILE.001`, `FILE.002`, … of at most `partBytes`. Each has its name only once all are whole and synced: an export that was
 * ended leaves hidden `.partial` files, which the next one to the same place writes over.
 */
export class BundleOutput {
  readonly #path: string;
  readonly #partBytes: number | undefined;
  readonly #parts: { readonly handle: FileHandle; readonly partial: string; readonly path: string }[] = [];
  #partFilled = 0;

  constructor(path: string, partBytes: number | undefined) {
    this.#path = path;
    this.#partBytes = partBytes;
  }

  /** Throws STORE_FULL, STORE_IO. */
  async write(bytes: Uint8Array): Promise<void> {
    const partBytes = this.#partBytes ?? Number.POSITIVE_INFINITY;
    for (let at = 0; at < bytes.length; ) {
      const part = this.#parts.at(-1);
      if (!part || this.#partFilled >= partBytes) {
        await this.#next();
        continue;
      }
      const length = Math.min(bytes.length - at, partBytes - this.#partFilled);
      const { bytesWritten } = await attemptOutput("write the bundle", () => part.handle.write(bytes, at, length));
      at += bytesWritten;
      this.#partFilled += bytesWritten;
    }
  }

  /** Makes all parts durable, then gives them their names, in their order. Answers these. Throws STORE_FULL, STORE_IO. */
  async commit(): Promise<readonly string[]> {
    await attemptOutput("finish the bundle", async () => {
      for (const { handle } of this.#parts) {
        await handle.sync();
        await handle.close();
      }
      for (const { partial, path } of this.#parts) await rename(partial, path);
      const folder = await open(dirname(this.#path), "r");
      await folder.sync().finally(() => folder.close());
    });
    return this.#parts.map(({ path }) => path);
  }

  /** Removes what was not committed. Never throws. */
  async discard(): Promise<void> {
    for (const { handle, partial } of this.#parts) {
      await handle.close().catch(() => {});
      await rm(partial, { force: true }).catch(() => {});
    }
  }

  async #next(): Promise<void> {
    const number = this.#parts.length + 1;
    const path = this.#partBytes === undefined ? this.#path : `${this.#path}.${String(number).padStart(3, "0")}`;
    const partial = join(dirname(path), `.${basename(path)}.partial`);
    const handle = await attemptOutput("make the bundle's file", async () => {
      // Another export to the same place that still runs goes on writing to a file without a name, and fails when it wants to give it one.
      await rm(partial, { force: true });
      return open(partial, "wx", 0o600);
    });
    this.#parts.push({ handle, partial, path });
    this.#partFilled = 0;
  }
}
