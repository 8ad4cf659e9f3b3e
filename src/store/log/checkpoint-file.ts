import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { MAX_CHECKPOINT_BYTES } from "../../core/tlog/checkpoint.ts";
import { FILE_MODE } from "../folders.ts";
import { storeError, systemCode } from "../store-error.ts";

/**
 * `log-checkpoint` in the data folder: the newest checkpoint once more, outside of `assay.db`, where putting back an older copy of that does not reach. It is written in the
 * middle of a transaction, so without waiting; it happens when somebody asks for a checkpoint, and the log has grown.
 */
export class CheckpointFile {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, "log-checkpoint");
  }

  /** Undefined where there is none yet. Throws STORE_IO, STORE_CORRUPT. */
  read(): string | undefined {
    try {
      if (statSync(this.#path).size > MAX_CHECKPOINT_BYTES)
        throw new AssayError("STORE_CORRUPT", "log-checkpoint in the data folder is too large for a checkpoint");
      return readFileSync(this.#path, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw storeError(error, "read the newest checkpoint");
    }
  }

  /** Whole or not at all, and on the disk when it returns. Throws STORE_FULL, STORE_IO. */
  write(note: string): void {
    const draft = `${this.#path}.draft`;
    try {
      withFile(draft, "w", (file) => {
        writeSync(file, note);
        fsyncSync(file);
      });
      renameSync(draft, this.#path);
      withFile(dirname(this.#path), "r", fsyncSync);
    } catch (error) {
      throw storeError(error, "write the newest checkpoint");
    }
  }
}

function withFile(path: string, flags: string, work: (file: number) => void): void {
  const file = openSync(path, flags, FILE_MODE);
  try {
    work(file);
  } finally {
    closeSync(file);
  }
}
