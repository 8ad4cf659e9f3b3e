import { constants, type Stats } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import { storeError } from "../store-error.ts";

/** Rights of the group and of everybody else. */
const OTHERS = 0o077;

/** Throws CONFIG_INVALID unless `path` is a folder that only our own account can look into, STORE_IO where it cannot be told. */
export async function requireSecretFolder(path: string): Promise<void> {
  const what = "the folder keys/ of the data folder";
  const stats = await lstat(path).catch((error: unknown) => Promise.reject(storeError(error, "look at the signing keys")));
  if (!stats.isDirectory()) throw new AssayError("CONFIG_INVALID", `${what} is not a folder`);
  requireOurs(stats, what);
}

/**
 * Reads a file that only our own account may read, at most `maxBytes` of it; never through a link. Undefined where there is none.
 * Throws CONFIG_INVALID where others can read it, STORE_IO. `what` names it in messages, which may reach a client.
 */
export async function readSecretFile(path: string, what: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > maxBytes) throw new AssayError("CONFIG_INVALID", `${what} is not the file that was put there`);
      requireOurs(stats, what);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw storeError(error, `read ${what}`);
  }
}

/** What others could read before may be in their hands: that the rights are right again would not make it a secret again. */
function requireOurs({ mode, uid }: Stats, what: string): void {
  const own = process.getuid?.();
  if (own !== undefined && uid !== own) {
    throw new AssayError("CONFIG_INVALID", `${what} belongs to user ${uid}, and Assay runs as user ${own}`, {
      help: "run the command as the user that the mirror runs as",
    });
  }
  if ((mode & OTHERS) === 0) return;
  throw new AssayError(
    "CONFIG_INVALID",
    `expected that only its owner can use ${what}, got mode ${(mode & 0o777).toString(8).padStart(4, "0")}`,
    {
      help: "take the rights of others away (chmod go= on keys/ and what is in it); if somebody else may have read it, run `assay keys rotate` as well",
    },
  );
}
