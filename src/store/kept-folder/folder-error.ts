import { AssayError } from "../../core/errors.ts";
import { systemCode } from "../store-error.ts";

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** What a failed file operation in a kept folder means: STORE_FULL or STORE_IO. `doing` completes "could not …". What is no system error is handed back as it is. */
export function folderError(error: unknown, doing: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  if (FULL.has(code)) {
    return new AssayError("STORE_FULL", `could not ${doing} of the kept folder: its disk is full (${code})`, {
      help: "free space there; what is in the folder is as it was, and the rest follows the next time",
      cause: error,
    });
  }
  return new AssayError("STORE_IO", `could not ${doing} of the kept folder: ${code}`, {
    help: "Assay must be able to write there, unless nothing in it changes",
    cause: error,
  });
}
