import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { attemptOutput } from "./attempt-output.ts";

/**
 * The file that a bundle is written to, or its parts `FILE.001`, `FILE.002`, … of at most `partBytes`. Each has its name only once all are whole and synced: an export that was
 * ended leaves hidden `.partial` files, which the next one to the same place writes over. Names of parts sort in their order, and what an earlier bundle of that name had of parts beyond
 * these goes with the others of it: so `FILE.*` is one bundle.
 */
export class BundleOutput {
  readonly #path: string;
  readonly #partBytes: number | undefined;
  readonly #parts: { readonly handle: FileHandle; readonly partial: string }[] = [];
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
    const paths = this.#parts.map((_, index) => this.#pathOf(index + 1));
    await attemptOutput("finish the bundle", async () => {
      for (const { handle } of this.#parts) {
        await handle.sync();
        await handle.close();
      }
      for (const [index, { partial }] of this.#parts.entries()) await rename(partial, paths[index] ?? this.#path);
      await this.#removeBeyond((number) => this.#partialOf(number));
      if (this.#partBytes !== undefined) await this.#removeBeyond((number) => this.#pathOf(number));
      const folder = await open(dirname(this.#path), "r");
      await folder.sync().finally(() => folder.close());
    });
    return paths;
  }

  /** Removes what was not committed. Never throws. */
  async discard(): Promise<void> {
    for (const { handle, partial } of this.#parts) {
      await handle.close().catch(() => {});
      await rm(partial, { force: true }).catch(() => {});
    }
  }

  async #next(): Promise<void> {
    const partial = this.#partialOf(this.#parts.length + 1);
    const handle = await attemptOutput("make the bundle's file", async () => {
      // Another export to the same place that still runs goes on writing to a file without a name, and fails when it wants to give it one.
      await rm(partial, { force: true });
      return open(partial, "wx", 0o600);
    });
    this.#parts.push({ handle, partial });
    this.#partFilled = 0;
  }

  #pathOf(number: number): string {
    const digits = Math.max(3, String(this.#parts.length).length);
    return this.#partBytes === undefined ? this.#path : `${this.#path}.${String(number).padStart(digits, "0")}`;
  }

  #partialOf(number: number): string {
    return join(dirname(this.#path), `.${basename(this.#path)}.${number}.partial`);
  }

  async #removeBeyond(pathOf: (number: number) => string): Promise<void> {
    for (let number = this.#parts.length + 1; await isFile(pathOf(number)); number++) await rm(pathOf(number));
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isFile() === true;
}
