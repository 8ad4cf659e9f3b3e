import { readSync } from "node:fs";
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";

/**
 * yauzl on a file descriptor that stays ours. It asks for four small reads an entry; reading at once, in this thread, spares each of them a
 * turn through libuv's thread pool, which takes longer than the read.
 */
class BlockingReader extends RandomAccessReader {
  readonly #fd: number;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    let read = 0;
    try {
      for (let count = -1; read < length && count !== 0; read += count)
        count = readSync(this.#fd, buffer, offset + read, length - read, position + read);
    } catch (error) {
      process.nextTick(callback, error);
      return;
    }
    // yauzl relies on answers that come later.
    process.nextTick(callback, read < length ? new Error("unexpected EOF") : null);
  }
}

/** Names are left as bytes: yauzl would put U+FFFD for what is no UTF-8, and settle other oddities silently. */
export function openZip(fd: number, sizeBytes: number): Promise<ZipFile> {
  return fromRandomAccessReaderPromise(new BlockingReader(fd), sizeBytes, {
    autoClose: false,
    decodeStrings: false,
    validateEntrySizes: true,
  });
}
