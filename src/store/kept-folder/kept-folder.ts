import { createHash, randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { createReadStream } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { syncFolder } from "../folders.ts";
import { systemCode } from "../store-error.ts";
import { folderError } from "./folder-error.ts";
import { isKeptPath, MARKER, MARKER_BYTES, markerText, OWN_FOLDER, readMarker } from "./marker.ts";

/** A whole file that has no name in the folder yet. */
export interface StagedFile {
  /** A local file with the bytes. Gone after `place` and with `close`. */
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Digests of files as they were read last, by absolute path, with what the file system said of each then. */
export type ReadDigests = Map<string, { readonly at: string; readonly digest: Digest }>;

const INCOMING = `${OWN_FOLDER}/incoming`;

/**
 * A folder outside the data folder, whose files other programs read while Assay keeps them. Each file appears, changes and goes at once and is on disk by then; what is written
 * is announced first, so that a crash leaves nothing that is not known to be ours. Files of others are never changed, and a folder that has some before it was ever kept is
 * not taken. For one keeper at a time: whoever opens it holds the lock that its owners agreed on.
 */
export class KeptFolder {
  readonly #root: string;
  readonly #read: ReadDigests;
  #files: ReadonlySet<string>;

  private constructor(root: string, files: ReadonlySet<string>, read: ReadDigests) {
    this.#root = root;
    this.#files = files;
    this.#read = read;
  }

  /**
   * The folder at `path`, made where it is missing. Writes nothing into one that is kept already. Throws CONFLICT for one with files that nobody here wrote, STORE_IO, STORE_FULL.
   */
  static async open(path: string, read: ReadDigests = new Map()): Promise<KeptFolder> {
    try {
      await mkdir(path, { recursive: true });
      const root = await realpath(path);
      const marker = await markerOf(root);
      if (!marker && (await readdir(root)).some((name) => name !== OWN_FOLDER && name !== "lost+found")) {
        throw new AssayError("CONFLICT", `the folder has files, and no ${MARKER} that says that Assay keeps them`, {
          help: "name an empty folder, or one that does not exist",
        });
      }
      return new KeptFolder(root, marker ?? new Set(), read);
    } catch (error) {
      throw folderError(error, "look at what is");
    }
  }

  /** Those that are ours, there or announced. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** Makes `files` known as all that are ours, durably: before the first of them is written, and after the last of the others is gone. */
  async announce(files: Iterable<string>): Promise<void> {
    const announced = new Set(files);
    if (announced.isSubsetOf(this.#files) && this.#files.isSubsetOf(announced) && (await this.#stats(MARKER))) return;
    await this.#replace(MARKER, Buffer.from(markerText(announced)));
    this.#files = announced;
  }

  /** The digest of one of our files; undefined where it is not there, or somebody put something else in its place. Reads it only where it has changed since. */
  async digestOf(path: string): Promise<Digest | undefined> {
    const stats = await this.#ownStats(path);
    if (!stats) return undefined;
    const place = join(this.#root, path);
    const at = [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(" ");
    const known = this.#read.get(place);
    if (known?.at === at) return known.digest;
    const digest = await digestOfFile(place);
    this.#read.set(place, { at, digest });
    return digest;
  }

  /** Where one of our files is, for what reads it by itself. */
  placeOf(path: string): string {
    return join(this.#root, path);
  }

  /** The text of one of our files; undefined where it is not there, or is larger than `maxBytes`. */
  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const stats = await this.#ownStats(path);
    if (!stats || stats.size > maxBytes) return undefined;
    return doing("read a file", () => readFile(join(this.#root, path), "utf8"));
  }

  /** Writes bytes to a file without a name in the folder, hashing on the way. */
  async stage(bytes: AsyncIterable<Uint8Array>): Promise<StagedFile> {
    return doing("write a file", async () => {
      const hash = createHash("sha256");
      let sizeBytes = 0;
      const path = await this.#written(async (file) => {
        for await (const chunk of bytes) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          await file.writeFile(chunk);
        }
      });
      return { path, digest: parseDigest(hash.digest("hex")), sizeBytes };
    });
  }

  /** Gives a staged file its name. Throws CONFLICT where there is a file that is not ours, or a link in the way. */
  async place({ path: staged }: StagedFile, path: string): Promise<void> {
    await this.#prepare(path);
    await doing("name a file", () => this.#rename(staged, path));
  }

  /** Whether it changed anything: what has these bytes is left alone. Throws CONFLICT like `place`. */
  async write(path: string, text: string): Promise<boolean> {
    const bytes = Buffer.from(text);
    if ((await this.digestOf(path)) === createHash("sha256").update(bytes).digest("hex")) return false;
    await this.#prepare(path);
    await this.#replace(path, bytes);
    return true;
  }

  /**
   * Whether there is something at `path` that Assay did not write, or a link or a file where a folder above it belongs. To be asked before the path is announced: from then on
   * what is there counts as ours.
   */
  async isTaken(path: string): Promise<boolean> {
    if (await this.#obstacle(path)) return true;
    return !this.#files.has(path) && (await this.#stats(path)) !== undefined;
  }

  /** Removes one of our files, and the folders that it leaves empty. A folder or link that somebody put in its place stays. Answers whether there was anything to remove. */
  async remove(path: string): Promise<boolean> {
    if (!(await this.#ownStats(path))) return false;
    return doing("remove a file", async () => {
      const place = join(this.#root, path);
      await unlink(place);
      this.#read.delete(place);
      await syncFolder(dirname(place));
      for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
        if (!(await removeIfEmpty(join(this.#root, folder)))) break;
      }
      return true;
    });
  }

  /** Removes what was staged and never placed, also what a crash left of an earlier time. */
  async close(): Promise<void> {
    const incoming = join(this.#root, INCOMING);
    await rm(incoming, { recursive: true, force: true }).catch(() => {}); // A folder that cannot be written to has none.
  }

  /** Of a file that is ours and that is reached without a link; else undefined. */
  async #ownStats(path: string): Promise<Stats | undefined> {
    if (!this.#files.has(path) || (await this.#obstacle(path))) return undefined;
    return this.#stats(path);
  }

  /** Makes the folders above `path`. Throws CONFLICT where there is something in the way of it or of them. */
  async #prepare(path: string): Promise<void> {
    if (!isKeptPath(path) || !this.#files.has(path)) throw new Error(`not announced as one of our files: ${path}`);
    const obstacle = await this.#obstacle(path);
    if (obstacle !== undefined) throw inTheWay(obstacle);
    for (const folder of foldersAbove(path)) {
      if (!(await this.#stats(folder))) await doing("make a folder", () => this.#makeFolder(folder));
    }
  }

  /** What can neither be replaced by a file at `path` nor hold the folders above it. A link is never followed: it may lead out of the folder. */
  async #obstacle(path: string): Promise<string | undefined> {
    for (const folder of foldersAbove(path)) {
      const stats = await this.#stats(folder);
      if (stats && !stats.isDirectory()) return folder;
    }
    const stats = await this.#stats(path);
    return stats && !stats.isFile() ? path : undefined;
  }

  async #makeFolder(folder: string): Promise<void> {
    await mkdir(join(this.#root, folder));
    await syncFolder(dirname(join(this.#root, folder)));
  }

  /** Undefined where there is nothing. Never follows a link. */
  async #stats(path: string): Promise<Stats | undefined> {
    try {
      return await lstat(join(this.#root, path));
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw folderError(error, "look at a file");
    }
  }

  async #replace(path: string, bytes: Buffer): Promise<void> {
    await doing("write a file", async () => this.#rename(await this.#written((file) => file.writeFile(bytes)), path));
  }

  /** The path of a new file without a name in the folder, on the disk with what `write` wrote. Nothing is left of it where that fails. */
  async #written(write: (file: FileHandle) => Promise<void>): Promise<string> {
    const folder = join(this.#root, INCOMING);
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomBytes(16).toString("hex"));
    const file = await open(path, "wx");
    try {
      await write(file);
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return path;
  }

  async #rename(staged: string, path: string): Promise<void> {
    const place = join(this.#root, path);
    this.#read.delete(place);
    await rename(staged, place);
    await syncFolder(dirname(place));
  }
}

async function markerOf(root: string): Promise<ReadonlySet<string> | undefined> {
  const path = join(root, MARKER);
  try {
    const { size } = await stat(path);
    return readMarker(size > MARKER_BYTES ? Buffer.alloc(0) : await readFile(path));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Of `a/b/c`: `a`, `a/b`. */
function foldersAbove(path: string): readonly string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, above) => segments.slice(0, above + 1).join("/"));
}

async function digestOfFile(path: string): Promise<Digest> {
  return doing("read a file", async () => {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return parseDigest(hash.digest("hex"));
  });
}

/** Whether it was. */
async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOENT") return false;
    throw error;
  }
}

function inTheWay(path: string): AssayError {
  return new AssayError("CONFLICT", `there is something at ${path} of the kept folder that Assay did not write`, {
    help: "take it away, or keep another folder",
  });
}

async function doing<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw folderError(error, what);
  }
}
