import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AssayError } from "../core/errors.ts";
import { quote } from "../core/quote.ts";

/** What stands in a file now: it was not there, it had these bytes already, or it had others. */
export type Written = "new" | "same" | "replaced";

/**
 * Puts `bytes` at `path`, whole or not at all. What is there already stays unless it has the same bytes or `force` is set: CONFLICT. Throws STORE_IO where it cannot
 * be written. `help` says what to do about a CONFLICT.
 */
export async function writeOutput(
  path: string,
  bytes: Buffer,
  force: boolean,
  help = "give it another name with -o, or replace it with --force; a version that was published must stay as it is",
): Promise<Written> {
  const before = await present(path, bytes);
  if (before === "same") return "same";
  if (before === "other" && !force) {
    throw new AssayError("CONFLICT", `${quote(path)} is there already, with other bytes than those to write`, { help });
  }
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const why = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw new AssayError("STORE_IO", `${quote(path)} cannot be written${why}`, { cause: error });
  }
  return before === "absent" ? "new" : "replaced";
}

async function present(path: string, bytes: Buffer): Promise<"absent" | "same" | "other"> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return "absent";
  if (!found.isFile() || found.size !== bytes.length) return "other";
  return (await readFile(path)).equals(bytes) ? "same" : "other";
}
