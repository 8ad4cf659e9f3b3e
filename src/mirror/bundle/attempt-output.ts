import { AssayError } from "../../core/errors.ts";

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** Runs what writes a bundle. Throws STORE_FULL or STORE_IO for a system's error; `doing` completes "could not …". */
export async function attemptOutput<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    if (FULL.has(code))
      throw new AssayError("STORE_FULL", `could not ${doing}: the disk is full (${code})`, {
        help: "free space, then export again",
        cause: error,
      });
    throw new AssayError("STORE_IO", `could not ${doing} (${code})`, { help: "look at the folder that -o names", cause: error });
  }
}
