import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { attemptOutput } from "./attempt-output.ts";

/** Bytes that were put by, and how to know them again. */
export interface Spooled {
  readonly sha256: Digest;
  readonly sizeBytes: number;
  readonly at: number;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * A file beside the output that holds documents until all are known: the manifest stands before them in a bundle, and what an index says may change while it is read. What is the
 * same is kept once.
 */
export class Spool {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #known = new Map<string, Spooled>();
  #end = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Throws STORE_IO, STORE_FULL. What an export that was ended left at `path` is written over. */
  static async open(path: string): Promise<Spool> {
    return attemptOutput("make a file beside the bundle", async () => {
      await rm(path, { force: true });
      return new Spool(path, await open(path, "wx+", 0o600));
    });
  }

  /** Throws STORE_IO, STORE_FULL. */
  async put(bytes: Buffer): Promise<Spooled> {
    return this.putAll([bytes]);
  }

  /** The same for one content in pieces, of which only one is in memory at a time. */
  putAll(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Spooled> {
    // One after the other: documents are asked for several at once, and each must have its own place.
    const put = this.#last.then(() => this.#append(chunks));
    this.#last = put.catch(() => {});
    return put;
  }

  find(sha256: string): Spooled | undefined {
    return this.#known.get(sha256);
  }

  /** Piece by piece, each good until the next is asked for. Throws STORE_IO. */
  async *content({ at, sizeBytes }: Spooled): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let done = 0; done < sizeBytes; ) {
      const wanted = Math.min(CHUNK_BYTES, sizeBytes - done);
      const { bytesRead } = await attemptOutput("read beside the bundle", () => this.#file.read(chunk, 0, wanted, at + done));
      if (bytesRead === 0) return;
      done += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #append(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Spooled> {
    const hash = createHash("sha256");
    const at = this.#end;
    let sizeBytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      await attemptOutput("write beside the bundle", () => this.#file.write(chunk, 0, chunk.length, at + sizeBytes));
      sizeBytes += chunk.length;
    }
    const sha256 = parseDigest(hash.digest("hex"));
    const known = this.#known.get(sha256);
    // The next content is written over what is there a second time.
    if (known) return known;
    const spooled = { sha256, sizeBytes, at };
    this.#end += sizeBytes;
    this.#known.set(sha256, spooled);
    return spooled;
  }
}
