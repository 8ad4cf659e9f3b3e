import { createHash, type Hash } from "node:crypto";
import * as fs from "node:fs";
import { unlink } from "node:fs/promises";
import { type Algorithm, type Digests, parseDigest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { QuarantinedBlob, Reception } from "../core/ports/blob-store.ts";
import type { Log } from "../core/ports/log.ts";
import { type BatchBuffers, BatchWriter } from "./batch-writer.ts";
import type { SharedFile } from "./shared-file.ts";
import { storeError } from "./store-error.ts";

const ALWAYS_HASHED: readonly Algorithm[] = ["sha256", "sha512"];

export interface ReceptionOptions {
  readonly source: AsyncIterable<Uint8Array>;
  readonly maxBytes: number;
  readonly algorithms: readonly Algorithm[];
  /** The empty file to fill, at `path`. */
  readonly descriptor: Promise<number>;
  readonly file: SharedFile;
  readonly path: string;
  readonly buffers: BatchBuffers;
  readonly log: Log;
  /** Called once all bytes are hashed and synced, before `whole` resolves; makes the blob that it resolves to. */
  quarantine(received: Pick<QuarantinedBlob, "digest" | "digests" | "sizeBytes">): QuarantinedBlob;
  /** Called once it is over, either way. */
  ended(): void;
}

/** Streams one archive into a file: hashes each chunk as it arrives and writes in large batches. Starts when it is made. */
export class FileReception implements Reception {
  readonly whole: Promise<QuarantinedBlob>;
  readonly #options: ReceptionOptions;
  readonly #listeners = new Set<() => void>();
  #receivedBytes = 0;
  #ended = false;
  #stopped = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.whole = this.#receive().finally(() => this.#end());
    // Nobody has to be waiting when it fails: those who are get the error, and a missing one must not end the process.
    this.whole.catch(() => {});
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  onProgress(listener: () => void): () => void {
    if (this.#ended) queueMicrotask(listener);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const length = Math.min(target.length, this.#receivedBytes - position);
    return length > 0 ? await this.#options.file.read(target, length, position) : 0;
  }

  hold(): () => void {
    const letGo = this.#options.file.retain();
    return () => void letGo();
  }

  /** Ends it at the next chunk: the store is closing. */
  stop(): void {
    this.#stopped = true;
  }

  async #receive(): Promise<QuarantinedBlob> {
    try {
      return await this.#fill(await this.#descriptor());
    } catch (error) {
      await unlink(this.#options.path).catch(() => {}); // Never made, or already gone; the sweep takes what cannot be removed now.
      void this.#options.file.release();
      throw error;
    }
  }

  async #descriptor(): Promise<number> {
    try {
      return await this.#options.descriptor;
    } catch (error) {
      // The source holds a connection, and is not going to be read.
      await this.#options.source[Symbol.asyncIterator]()
        .return?.()
        .catch(() => {});
      throw storeError(error, "make a file in the store");
    }
  }

  async #fill(descriptor: number): Promise<QuarantinedBlob> {
    const { source, maxBytes, algorithms, buffers, quarantine } = this.#options;
    const hashes = new Map<Algorithm, Hash>();
    for (const algorithm of [...ALWAYS_HASHED, ...algorithms]) hashes.set(algorithm, createHash(algorithm));
    const writer = new BatchWriter(descriptor, buffers, (bytes) => this.#progress(bytes));
    let sizeBytes = 0;
    try {
      for await (const chunk of source) {
        if (this.#stopped) throw new AssayError("STORE_IO", "the store was closed while the archive arrived");
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) {
          throw new AssayError("UPSTREAM_LIMIT", `the archive is larger than the limit of ${maxBytes} bytes`, {
            help: "raise limits.archive if that is right",
          });
        }
        for (const hash of hashes.values()) hash.update(chunk);
        await storing(writer.append(chunk));
      }
      await storing(writer.finish());
      await storing(sync(descriptor));
    } catch (error) {
      await writer.abandon();
      throw error;
    }
    const digests = digestAll(hashes);
    return quarantine({ digest: parseDigest(digests.sha256), digests, sizeBytes });
  }

  #progress(receivedBytes: number): void {
    this.#receivedBytes = receivedBytes;
    for (const listener of this.#listeners) this.#tell(listener);
  }

  #end(): void {
    this.#ended = true;
    this.#options.ended();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    // After those who wait for `whole`: a listener that asks how it ended finds it settled.
    setImmediate(() => {
      for (const listener of listeners) this.#tell(listener);
    });
  }

  /** One reader's mistake must not cost the others their archive. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.log.error({ err: error }, "a listener of a reception failed");
    }
  }
}

async function storing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw storeError(error, "write to the store");
  }
}

function sync(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fsync(descriptor, (error) => (error ? reject(error) : resolve()));
  });
}

function digestAll(hashes: ReadonlyMap<Algorithm, Hash>): Digests {
  const digests: Partial<Record<Algorithm, string>> = {};
  for (const [algorithm, hash] of hashes) digests[algorithm] = hash.digest("hex");
  const { sha256 } = digests;
  if (sha256 === undefined) throw new AssayError("INTERNAL", "an archive was received without its SHA-256");
  return Object.freeze({ ...digests, sha256 });
}
