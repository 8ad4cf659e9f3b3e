import { type FileHandle, open } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import { shown } from "../../core/printable.ts";

/** Several files read as one, in the order given. */
export class PartedFile {
  readonly sizeBytes: number;
  readonly #parts: readonly { readonly handle: FileHandle; readonly from: number; readonly to: number }[];

  private constructor(parts: readonly { readonly handle: FileHandle; readonly from: number; readonly to: number }[]) {
    this.#parts = parts;
    this.sizeBytes = parts.at(-1)?.to ?? 0;
  }

  /** Throws NOT_FOUND, STORE_IO. */
  static async open(paths: readonly string[]): Promise<PartedFile> {
    const parts: { handle: FileHandle; from: number; to: number }[] = [];
    try {
      for (const path of paths) {
        const handle = await open(path, "r").catch((error: unknown) => {
          throw unreadable(path, error);
        });
        const from = parts.at(-1)?.to ?? 0;
        parts.push({ handle, from, to: from });
        const found = await handle.stat();
        if (!found.isFile()) throw new AssayError("NOT_FOUND", `${shown(path)} is not a file`);
        parts[parts.length - 1] = { handle, from, to: from + found.size };
      }
      return new PartedFile(parts);
    } catch (error) {
      await Promise.all(parts.map(({ handle }) => handle.close()));
      throw error;
    }
  }

  /** At most `length` bytes from `position`: fewer only at the end. Throws STORE_IO. */
  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.sizeBytes - position)));
    let filled = 0;
    for (const { handle, from, to } of this.#parts) {
      while (filled < bytes.length && position + filled >= from && position + filled < to) {
        const wanted = Math.min(bytes.length - filled, to - position - filled);
        const { bytesRead } = await handle.read(bytes, filled, wanted, position + filled - from).catch((error: unknown) => {
          throw new AssayError("STORE_IO", "the bundle could not be read", { cause: error });
        });
        // Cut short while it is read.
        if (bytesRead === 0) return bytes.subarray(0, filled);
        filled += bytesRead;
      }
    }
    return bytes;
  }

  async close(): Promise<void> {
    await Promise.all(this.#parts.map(({ handle }) => handle.close()));
  }
}

function unreadable(path: string, error: unknown): AssayError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isMissing = code === "ENOENT" || code === "ENOTDIR";
  return new AssayError(isMissing ? "NOT_FOUND" : "STORE_IO", `${shown(path)} cannot be read (${code})`, { cause: error });
}
