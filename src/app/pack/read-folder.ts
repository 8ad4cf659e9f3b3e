import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, readlink, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import type { FolderEntry } from "../../ecosystems/aam/pack/pack-package.ts";
import { isExcluded } from "../../ecosystems/aam/pack/packlist.ts";

export interface FolderLimits {
  /** Files and folders that are looked at, packed or not. */
  readonly entries: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
}

/** Of whoever may run anything, the owner's say counts: the others' goes with the umask that a checkout was made under. */
const OWNER_MAY_RUN = 0o100;

/**
 * Everything in a package's folder that may be packed, in no order. Links are read, never followed; nothing is written. What section 12.1 excludes is not even opened.
 * Throws NOT_FOUND where there is no such folder, BAD_REQUEST past `limits`, STORE_IO where something cannot be read.
 */
export async function readFolder(folder: string, limits: FolderLimits): Promise<readonly FolderEntry[]> {
  const root = resolve(folder);
  await requireFolder(root, folder);
  const found: FolderEntry[] = [];
  const waiting = [""];
  let seen = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const item of await list(root, path)) {
      if (++seen > limits.entries)
        throw new AssayError("BAD_REQUEST", `${quote(folder)} has more than ${limits.entries} files and folders`, {
          help: "is this the package's own folder?",
        });
      const name = utf8(item.name);
      const inner = joined(path, name ?? item.name.toString("latin1"));
      if (isExcluded(inner)) continue;
      if (name === undefined) found.push({ kind: "other", path: inner, what: "a name that is not UTF-8" });
      else if (item.isDirectory()) waiting.push(inner);
      else found.push(await entryAt(root, inner, item, limits.fileBytes));
    }
  }
  return found;
}

async function requireFolder(root: string, asGiven: string): Promise<void> {
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new AssayError("NOT_FOUND", `${quote(asGiven)} is no folder that can be read`);
}

/** Names as bytes: whatever is no UTF-8 would otherwise become another name in silence. */
async function list(root: string, path: string): Promise<readonly Dirent<Buffer>[]> {
  return await readdir(join(root, path), { withFileTypes: true, encoding: "buffer" }).catch((error: unknown) => {
    throw unreadable(path === "" ? "." : path, error);
  });
}

function utf8(name: Buffer): string | undefined {
  const text = name.toString("utf8");
  return Buffer.from(text).equals(name) ? text : undefined;
}

function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

async function entryAt(root: string, path: string, item: Dirent<Buffer>, maxBytes: number): Promise<FolderEntry> {
  const absolute = join(root, path);
  try {
    if (item.isSymbolicLink()) return { kind: "link", path, target: await readTarget(absolute) };
    if (!item.isFile()) return { kind: "other", path, what: "a device, a socket or a pipe" };
    const { mode } = await lstat(absolute);
    return { kind: "file", path, executable: (mode & OWNER_MAY_RUN) !== 0, read: () => readWhole(absolute, path, maxBytes) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A target that is no UTF-8 can be no path of an archive; the replacement character in its place makes it one that leads to nothing. */
async function readTarget(absolute: string): Promise<string> {
  return (await readlink(absolute, { encoding: "buffer" })).toString("utf8");
}

/** The file may have become something else since it was listed: a link is not followed, and a pipe not waited for. */
async function readWhole(absolute: string, path: string, maxBytes: number): Promise<Buffer> {
  try {
    await using file = await open(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw new AssayError("BAD_REQUEST", `${quote(path)} is no file any more`);
    if (found.size > maxBytes)
      throw new AssayError("BAD_REQUEST", `${quote(path)} has ${found.size} bytes, more than a package may unpack to`);
    return await file.readFile();
  } catch (error) {
    throw error instanceof AssayError ? error : unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): AssayError {
  const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new AssayError("STORE_IO", `${quote(path)} of the package's folder cannot be read${why}`, { cause });
}
