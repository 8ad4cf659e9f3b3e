import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AssayError } from "../core/errors.ts";
import type { ArchiveStream, DocumentAnswer, DocumentQuery, Upstream } from "../core/ports/upstream-client.ts";

const READ_BYTES = 256 * 1024;

interface OpenFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModified: string;
}

/**
 * An upstream that is a folder (AAM local registries). Not a connection, so it works offline too.
 * Only regular files whose real path is below the real path of the upstream's own folder; symbolic links inside it are fine, links out are not.
 * Messages name files relative to that folder: they may reach a client.
 */
export class FileUpstream {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** Throws UPSTREAM_ADDRESS, UPSTREAM_LIMIT, UPSTREAM_STATUS (for POST), UPSTREAM_UNREACHABLE. A folder names no media type. */
  async fetch(query: DocumentQuery): Promise<DocumentAnswer> {
    if (query.method === "POST") throw new AssayError("UPSTREAM_STATUS", `${this.#upstream.id} is a folder, which takes no POST`);
    const file = await this.#open(query.url);
    if (!file) return { kind: "absent" };
    const { handle, sizeBytes, etag, lastModified } = file;
    try {
      if (query.etag === undefined ? query.lastModified === lastModified : query.etag === etag) return { kind: "not-modified" };
      if (sizeBytes > query.maxBytes) throw this.#tooLong(query.url, query.maxBytes);
      const chunks: Buffer[] = [];
      for await (const chunk of this.#read(file, query.url)) chunks.push(Buffer.from(chunk));
      return { kind: "document", response: { body: Buffer.concat(chunks), contentType: "", etag, lastModified, url: query.url } };
    } finally {
      await handle.close();
    }
  }

  /** Throws NOT_FOUND, UPSTREAM_ADDRESS, UPSTREAM_LIMIT, UPSTREAM_UNREACHABLE. */
  async open(url: URL, { maxBytes }: { maxBytes: number }): Promise<ArchiveStream> {
    const file = await this.#open(url);
    if (!file) throw new AssayError("NOT_FOUND", `not in the folder: ${this.#describe(url)}`);
    await file.handle.close();
    if (file.sizeBytes > maxBytes) throw this.#tooLong(url, maxBytes);
    return { sizeBytes: file.sizeBytes, url, checksums: {}, bytes: this.#readAgain(file, url) };
  }

  /** Opens the file only once its bytes are asked for: a stream that nobody reads then holds nothing. */
  async *#readAgain({ etag }: OpenFile, url: URL): AsyncGenerator<Uint8Array, void, void> {
    const file = await this.#open(url);
    try {
      if (file?.etag !== etag) throw new AssayError("UPSTREAM_TRUNCATED", `changed before it was read: ${this.#describe(url)}`);
      yield* this.#read(file, url);
    } finally {
      await file?.handle.close();
    }
  }

  /** Undefined where there is no such file. */
  async #open(url: URL): Promise<OpenFile | undefined> {
    // The folder itself first: one that is not mounted today must not look like a registry that has lost every package.
    const root = await realpath(fileURLToPath(this.#upstream.url)).catch((error) => {
      throw new AssayError("UPSTREAM_UNREACHABLE", `the folder of ${this.#upstream.id} cannot be read (${codeOf(error)})`, {
        cause: error,
      });
    });
    const path = await this.#realPathOf(url);
    if (path === undefined) return undefined;
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) throw this.#refusal(url, "it leads out of the upstream's folder");
    let handle: FileHandle;
    try {
      // Without O_NONBLOCK, opening a FIFO waits for a writer that may never come. The last part is real by now: no link to follow.
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      return this.#absentOrThrow(error, url);
    }
    try {
      const stat = await handle.stat({ bigint: true });
      if (stat.isFile()) {
        return {
          handle,
          sizeBytes: Number(stat.size),
          etag: `"${stat.size}-${stat.mtimeNs}"`,
          lastModified: new Date(Number(stat.mtimeMs)).toUTCString(),
        };
      }
      if (!stat.isDirectory()) throw this.#refusal(url, "it is no regular file");
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  async #realPathOf(url: URL): Promise<string | undefined> {
    let path: string;
    try {
      path = fileURLToPath(url); // Refuses other schemes, hosts, and %2f.
    } catch {
      throw this.#refusal(url, "it is no file URL of this machine");
    }
    if (path.includes("\0")) throw this.#refusal(url, "it holds a NUL");
    try {
      return await realpath(path);
    } catch (error) {
      return this.#absentOrThrow(error, url);
    }
  }

  /** Reads into one buffer again and again: a chunk is valid until the next is asked for. */
  async *#read({ handle, sizeBytes }: OpenFile, url: URL): AsyncGenerator<Uint8Array, void, void> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes + 1));
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      position += bytesRead;
      if (position > sizeBytes)
        throw new AssayError("UPSTREAM_LENGTH", `grew past ${sizeBytes} bytes while it was read: ${this.#describe(url)}`);
      if (bytesRead === 0) {
        if (position < sizeBytes) {
          throw new AssayError("UPSTREAM_TRUNCATED", `ended after ${position} of ${sizeBytes} bytes: ${this.#describe(url)}`);
        }
        return;
      }
      yield buffer.subarray(0, bytesRead);
    }
  }

  #absentOrThrow(error: unknown, url: URL): undefined {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    if (code === "ELOOP" || code === "ENXIO") throw this.#refusal(url, "it is no regular file");
    throw new AssayError("UPSTREAM_UNREACHABLE", `cannot be read (${code}): ${this.#describe(url)}`, { cause: error });
  }

  #refusal(url: URL, why: string): AssayError {
    return new AssayError("UPSTREAM_ADDRESS", `${this.#describe(url)}: ${why}`);
  }

  #tooLong(url: URL, maxBytes: number): AssayError {
    return new AssayError("UPSTREAM_LIMIT", `longer than ${maxBytes} bytes: ${this.#describe(url)}`, {
      help: "raise the limit for this kind of file under `limits` if that is right",
    });
  }

  #describe(url: URL): string {
    const root = this.#upstream.url.href;
    const where = url.href.startsWith(root) ? url.href.slice(root.length) : `a ${url.protocol} address elsewhere`;
    return `${this.#upstream.id}: ${where.slice(0, 300)}`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
