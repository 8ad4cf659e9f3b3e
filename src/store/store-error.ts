import { AssayError } from "../core/errors.ts";

/** A quota that is spent stops us exactly as a full disk does. */
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * What a failed file operation means to a caller: STORE_FULL for a full disk or a spent quota, STORE_IO for the rest.
 * `doing` completes "could not …". What is no system error is handed back as it is: it is ours, or a bug.
 */
export function storeError(error: unknown, doing: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  // Only the short code is quoted. The system's own message holds paths of this machine, and ours may reach a client.
  if (FULL.has(code)) {
    return new AssayError("STORE_FULL", `could not ${doing}: the disk is full (${code})`, {
      help: "free space in the data folder, for instance with `assay gc`",
      retryAfterSeconds: 60,
      cause: error,
    });
  }
  return new AssayError("STORE_IO", `could not ${doing}: ${code}`, { help: "see the log for the file it concerns", cause: error });
}

/** `ENOENT`, `EIO`, … of an error thrown by node:fs. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
