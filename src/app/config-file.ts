import { readFileSync, statSync } from "node:fs";
import { AssayError } from "../core/errors.ts";

/** Far more than any configuration needs; keeps a wrong path from being read into memory. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Throws CONFIG_INVALID for a file that is not there, not readable or larger than a configuration can be. */
export function readConfigText(path: string): string {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`expected at most ${MAX_FILE_BYTES} bytes`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AssayError("CONFIG_INVALID", `cannot read the configuration file ${path}: ${reason}`, {
      help: "check the path given with --config or ASSAY_CONFIG",
      cause: error,
    });
  }
}
