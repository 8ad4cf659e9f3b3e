import * as fs from "node:fs";
import { constants } from "node:fs";
import { lstat, readdir, rename, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { type Algorithm, type Digest, parseDigest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobReader, BlobStore, FreeSpace, QuarantinedBlob, Reception, StoredFile } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Admit } from "../core/verdict.ts";
import { BatchBuffers } from "./batch-writer.ts";
import { brandAdmitted, brandQuarantined } from "./blob-brands.ts";
import { FileReception } from "./file-reception.ts";
import { makeFolder, syncFolder } from "./folders.ts";
import { QuarantineFolder } from "./quarantine-folder.ts";
import { SharedFile } from "./shared-file.ts";
import { storeError, systemCode } from "./store-error.ts";
import { sweepQuarantine } from "./sweep-quarantine.ts";

export interface FileBlobsOptions {
  /** Must exist. Holds `blobs-v1/` and `tmp/`, which must be on one file system. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What this process knows about a blob that it has in quarantine. */
interface Held {
  readonly file: SharedFile;
  discarded: boolean;
  promotion: Promise<AdmittedBlob> | undefined;
}

/**
 * Blobs as files: `blobs-v1/<first two digits>/<sha256>`, and `tmp/<process>/<random>` for those in quarantine. A file under
 * `blobs-v1/` is always whole: it gets its name by a rename, after its bytes were synced. One that was found damaged lies in `damaged/`.
 */
export class FileBlobs implements BlobStore {
  readonly #blobsFolder: string;
  readonly #tmpFolder: string;
  readonly #damagedFolder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #quarantine: QuarantineFolder;
  readonly #buffers = new BatchBuffers();
  readonly #held = new WeakMap<QuarantinedBlob, Held>();
  readonly #receptions = new Set<FileReception>();
  /** Folders below `blobs-v1/` whose own names this process has made durable. At most 256. */
  readonly #durableFolders = new Set<string>();
  #closed = false;

  /** Use `FileBlobs.open`, which makes the folders. */
  private constructor(options: FileBlobsOptions) {
    this.#blobsFolder = join(options.dataDir, "blobs-v1");
    this.#tmpFolder = join(options.dataDir, "tmp");
    this.#damagedFolder = join(options.dataDir, "damaged");
    this.#clock = options.clock;
    this.#log = options.log;
    this.#quarantine = new QuarantineFolder(this.#tmpFolder, options.clock, options.log);
  }

  /** Throws STORE_FULL, STORE_IO. */
  static async open(options: FileBlobsOptions): Promise<FileBlobs> {
    const store = new FileBlobs(options);
    return await attempt("make the folders of the store", async () => {
      await makeFolder(store.#blobsFolder);
      await makeFolder(store.#tmpFolder);
      await syncFolder(options.dataDir);
      return store;
    });
  }

  receive(source: AsyncIterable<Uint8Array>, options: { maxBytes: number; algorithms: readonly Algorithm[] }): Reception {
    const path = this.#quarantine.newFilePath();
    const descriptor = this.#createFile(path);
    const file = new SharedFile(descriptor);
    const reception: FileReception = new FileReception({
      ...options,
      source,
      descriptor,
      file,
      path,
      buffers: this.#buffers,
      log: this.#log,
      quarantine: (received) => {
        const blob = brandQuarantined({ ...received, path });
        this.#held.set(blob, { file, discarded: false, promotion: undefined });
        return blob;
      },
      ended: () => this.#receptions.delete(reception),
    });
    this.#receptions.add(reception);
    return reception;
  }

  async promote(blob: QuarantinedBlob, admit: Admit): Promise<AdmittedBlob> {
    // The type says so already. This is the one door into the store, so it is also checked.
    if (admit.kind !== "admit") throw new AssayError("INTERNAL", "only an admit verdict promotes a blob");
    const held = this.#held.get(blob);
    if (!held || held.discarded) throw new AssayError("INTERNAL", "a blob was promoted that is not in this store's quarantine");
    held.promotion ??= attempt("move an archive into the store", () => this.#promote(blob, held)).catch((error: unknown) => {
      held.promotion = undefined; // Still in quarantine, so that it can be tried again or discarded.
      throw error;
    });
    return await held.promotion;
  }

  async discard(blob: QuarantinedBlob): Promise<void> {
    const held = this.#held.get(blob);
    if (!held || held.discarded) return;
    const promoted = await held.promotion?.catch(() => undefined);
    if (promoted || held.discarded) return;
    held.discarded = true;
    try {
      await attempt("remove an archive from quarantine", () => unlinkIfThere(blob.path));
    } finally {
      // Last: whoever comes while the file is being removed can still hold it, and then hears why it went.
      void held.file.release();
    }
  }

  async find(digest: Digest, sizeBytes: number): Promise<AdmittedBlob | undefined> {
    const foundBytes = await attempt("look for an archive in the store", () => fileSize(this.#pathOf(digest)));
    if (foundBytes === sizeBytes) return brandAdmitted({ digest, sizeBytes });
    this.#log.warn({ digest, expectedBytes: sizeBytes, foundBytes: foundBytes ?? "none" }, "a blob is missing or damaged");
    return undefined;
  }

  async open(blob: AdmittedBlob): Promise<BlobReader> {
    const { digest, sizeBytes } = blob;
    const opened = await attempt("open an archive in the store", () => openBlob(this.#pathOf(digest)));
    if (opened?.sizeBytes !== sizeBytes) {
      if (opened) fs.close(opened.descriptor);
      throw new AssayError("STORE_CORRUPT", `expected ${sizeBytes} bytes under sha256 ${digest}, found ${opened?.sizeBytes ?? "no file"}`, {
        help: "remove the damaged file; the next request fetches it again",
      });
    }
    const file = new SharedFile(Promise.resolve(opened.descriptor));
    return {
      sizeBytes,
      read: (target, position) => file.read(target, target.length, position),
      close: () => file.release(),
    };
  }

  async remove(digest: Digest): Promise<boolean> {
    // Not synced: after a power cut the file is back, without a record, and is collected again.
    return await attempt("remove an archive from the store", () => unlinkIfThere(this.#pathOf(digest)));
  }

  async setAside(digest: Digest): Promise<void> {
    await attempt("set a damaged archive aside", async () => {
      await makeFolder(this.#damagedFolder);
      // The newest damaged copy is enough to look at. A rename: from here on nobody finds it under its digest.
      if (await renameIfThere(this.#pathOf(digest), join(this.#damagedFolder, digest))) await syncFolder(this.#damagedFolder);
    });
  }

  async *files(): AsyncGenerator<StoredFile> {
    for (const folder of await attempt("list the store", () => namesIn(this.#blobsFolder))) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const name of await attempt("list the store", () => namesIn(join(this.#blobsFolder, folder)))) {
        if (!/^[0-9a-f]{64}$/.test(name) || !name.startsWith(folder)) continue; // Nothing here makes such a file: it is somebody else's.
        const found = await attempt("look at an archive in the store", () => fileStat(join(this.#blobsFolder, folder, name)));
        // A rename changes no modification time: when it came to be here is when its entry changed.
        if (found) yield { digest: parseDigest(name), sizeBytes: found.size, changedAt: Math.max(found.ctimeMs, found.mtimeMs) };
      }
    }
  }

  async freeSpace(): Promise<FreeSpace> {
    const { bavail, blocks, bsize } = await attempt("ask how much room the disk has", () => statfs(this.#blobsFolder));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  async sweep(): Promise<{ readonly removedFiles: number; readonly removedBytes: number }> {
    return await attempt("clean up the quarantine", () => sweepQuarantine(this.#tmpFolder, this.#clock));
  }

  /** Ends receptions at their next chunk and removes this process's quarantine. Readers that are open go on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const reception of this.#receptions) reception.stop();
    await attempt("remove the quarantine", () => this.#quarantine.remove());
  }

  async #createFile(path: string): Promise<number> {
    if (this.#closed) throw new AssayError("STORE_IO", "the store is closed");
    return await this.#quarantine.createFile(path);
  }

  async #promote(blob: QuarantinedBlob, held: Held): Promise<AdmittedBlob> {
    const { digest, sizeBytes } = blob;
    const folder = await this.#folderOf(digest);
    const target = this.#pathOf(digest);
    // The same bytes were admitted before, perhaps a moment ago by another process. A file of another size is damage: replace it.
    if ((await fileSize(target)) === sizeBytes) await unlinkIfThere(blob.path);
    else await rename(blob.path, target);
    // Also for a file that was there: whoever put it there may not have come to this yet, and our row would outlive it.
    await syncFolder(folder);
    void held.file.release();
    return brandAdmitted({ digest, sizeBytes });
  }

  async #folderOf(digest: Digest): Promise<string> {
    const folder = join(this.#blobsFolder, digest.slice(0, 2));
    // Looked for each time: an operator who empties the cache by hand must not stop it from filling again.
    if ((await makeFolder(folder)) || !this.#durableFolders.has(folder)) {
      await syncFolder(this.#blobsFolder);
      this.#durableFolders.add(folder);
    }
    return folder;
  }

  #pathOf(digest: Digest): string {
    return join(this.#blobsFolder, digest.slice(0, 2), digest);
  }
}

async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, doing);
  }
}

/** Answers whether it was there. */
async function unlinkIfThere(path: string): Promise<boolean> {
  return (await unlessAbsent(unlink(path).then(() => true))) ?? false;
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  return (await unlessAbsent(rename(from, to).then(() => true))) ?? false;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return ((await unlessAbsent(readdir(folder))) ?? []).sort();
}

/** Size of a regular file; undefined where there is none. */
async function fileSize(path: string): Promise<number | undefined> {
  return (await fileStat(path))?.size;
}

/** Of a regular file; undefined where there is none. A link is none: nothing here makes one. */
async function fileStat(path: string): Promise<fs.Stats | undefined> {
  const found = await unlessAbsent(lstat(path));
  return found?.isFile() ? found : undefined;
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function openBlob(path: string): Promise<{ descriptor: number; sizeBytes: number } | undefined> {
  const descriptor = await new Promise<number | undefined>((resolve, reject) => {
    fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW, (error, opened) => {
      if (error && systemCode(error) !== "ENOENT") reject(error);
      else resolve(error ? undefined : opened);
    });
  });
  if (descriptor === undefined) return undefined;
  return await new Promise((resolve, reject) => {
    fs.fstat(descriptor, (error, found) => {
      if (!error) return resolve({ descriptor, sizeBytes: found.size });
      fs.close(descriptor, () => reject(error));
    });
  });
}
