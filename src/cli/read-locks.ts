import { access, realpath } from "node:fs/promises";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import type { Config } from "../app/config.ts";
import { AssayError } from "../core/errors.ts";
import type { LockFile, LockManifest, LockProblem, LockReader, LockSurroundings } from "../core/lock-file.ts";
import { shown } from "../core/printable.ts";
import { LOCK_READERS } from "../ecosystems/lock-readers.ts";
import type { NamedLock } from "../mirror/locks/locked-artifacts.ts";
import { readBounded } from "./read-bounded.ts";

/** Problems that anybody reads. */
const MOST_PROBLEMS = 20;
/** Files that one lock may take in: projects have a handful. */
const MOST_INCLUDES = 100;

/**
 * Reads lock files, each by the reader that its name calls for. Throws USAGE for a name that is no lock's, NOT_FOUND for a file that cannot be read, BAD_REQUEST for one that
 * is no such lock, with all that is wrong with it. What is only stale is told in the lock.
 */
export async function readLocks(paths: readonly string[], config: Pick<Config, "limits">): Promise<readonly NamedLock[]> {
  const locks: NamedLock[] = [];
  for (const path of new Set(paths)) locks.push({ path, lock: await readLock(path, config) });
  return locks;
}

export interface LockManifestFlags {
  /** The manifest that the lock was made from. Where left out: the first beside it. */
  readonly manifest?: string | undefined;
  /** Whether it is an error that there is none. */
  readonly frozen?: boolean | undefined;
}

/** One of them. Throws like `readLocks`. */
export async function readLock(path: string, { limits }: Pick<Config, "limits">, flags: LockManifestFlags = {}): Promise<LockFile> {
  const reader = readerOf(path);
  const body = await readBounded(path, limits.sidecarBytes);
  const manifest = await readManifest(reader, path, { ...flags, maxBytes: limits.sidecarBytes });
  const included = reader.includes && (await readIncludes(path, body, limits, (text) => reader.includes?.(text, limits) ?? []));
  const surroundings: LockSurroundings = { name: basename(path), ...(manifest ? { manifest } : {}), ...(included ? { included } : {}) };
  const reading = reader.read(body, surroundings, limits);
  if (reading.ok) return reading.lock;
  throw new AssayError("BAD_REQUEST", `${shown(path)} cannot be used as a lock\n${problemLines(reading.problems)}`);
}

/** The first of them, one a line. */
export function problemLines(problems: readonly LockProblem[]): string {
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ text }) => `  ${shown(text)}`);
  return [...lines, ...(problems.length > MOST_PROBLEMS ? [`  and ${problems.length - MOST_PROBLEMS} more`] : [])].join("\n");
}

function readerOf(path: string): LockReader {
  const name = basename(path);
  const reader = LOCK_READERS.find((each) => each.isFor(name));
  if (reader) return reader;
  throw new AssayError("USAGE", `expected a lock file that Assay reads, got one called ${shown(name)}`, {
    help: `lock files are told apart by their names: ${LOCK_READERS.flatMap(({ fileNames }) => fileNames).join(", ")}`,
  });
}

/** The manifest that was named, else the first beside the lock. Only a frozen run cannot do without. */
async function readManifest(
  { manifestNames, fileNames: [fileName] }: LockReader,
  lock: string,
  { manifest, frozen = false, maxBytes }: LockManifestFlags & { readonly maxBytes: number },
): Promise<LockManifest | undefined> {
  const read = async (path: string): Promise<LockManifest> => ({ name: basename(path), body: await readBounded(path, maxBytes) });
  const [expected] = manifestNames;
  if (expected === undefined && manifest !== undefined)
    throw new AssayError("USAGE", `no manifest is compared with ${fileName}, so --manifest says nothing about it`);
  if (manifest !== undefined) return read(manifest);
  for (const name of manifestNames) {
    const path = join(dirname(lock), name);
    if (await isThere(path)) return read(path);
  }
  if (expected === undefined || !frozen) return undefined;
  throw new AssayError("NOT_FOUND", `there is no ${expected} beside ${shown(lock)}`, {
    help: "name the manifest that the lock was made from with --manifest",
  });
}

/** Whether there is anything by that name. What is there and cannot be read is an error, and not as good as nothing. */
function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}

/** What a lock takes in, and what that takes in, each once, under its path as seen from the lock's folder. Throws NOT_FOUND, BAD_REQUEST for a path that is not to be followed. */
async function readIncludes(
  lock: string,
  body: Buffer,
  { sidecarBytes }: Config["limits"],
  includesOf: (body: Buffer) => readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const folder = dirname(lock);
  const included = new Map<string, Buffer>();
  const open = [{ from: basename(lock), body }];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const written of includesOf(file.body)) {
      const path = posix.join(posix.dirname(file.from), written);
      if (included.has(path) || path === basename(lock)) continue;
      if (included.size >= MOST_INCLUDES) throw new AssayError("BAD_REQUEST", `${shown(lock)} takes in more than ${MOST_INCLUDES} files`);
      await requireInside(join(folder, path), folder, { lock, written });
      const text = await readBounded(join(folder, path), sidecarBytes);
      included.set(path, text);
      open.push({ from: path, body: text });
    }
  }
  return included;
}

/**
 * A lock may come from a stranger's branch, and what it takes in is quoted in messages: so it may name nothing outside of the project, through a link neither. The project is
 * the folder that the command runs in where the lock is below it, else the lock's own folder.
 */
async function requireInside(
  path: string,
  folder: string,
  { lock, written }: { readonly lock: string; readonly written: string },
): Promise<void> {
  const [real, own, working] = await Promise.all([realpath(path).catch(() => path), realpath(folder), realpath(".")]);
  const root = isBelow(own, working) ? working : own;
  if (!posix.isAbsolute(written) && isBelow(real, root)) return;
  throw new AssayError("BAD_REQUEST", `${shown(lock)} takes in ${shown(written)}, which is outside of ${shown(root)}`, {
    help: "run the command in a folder that both are in, or name that file as a lock of its own",
  });
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !posix.isAbsolute(way);
}
