import Bunzip from "seek-bzip";
import { isZeroFilled, readRegion } from "./file-region.ts";
import { ArchiveFinding, ambiguous, malformed } from "./finding.ts";

const CHUNK_BYTES = 64 * 1024;

/**
 * Unpacks a bzip2 file of exactly one stream into `write`, a chunk at a time; each chunk is valid during the call only.
 * As with gzip, nothing but zero bytes may follow the stream. Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS, and what `write` throws.
 */
export function bunzip(fd: number, sizeBytes: number, write: (chunk: Buffer) => void): void {
  const source = byteSource(fd, sizeBytes);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let filled = 0;
  const writeByte = (byte: number): void => {
    chunk[filled++] = byte;
    if (filled < chunk.length) return;
    filled = 0;
    write(chunk);
  };
  try {
    Bunzip.decode(source, { writeByte }, false);
  } catch (error) {
    // The library reports data that is no bzip2 as TypeError. What `write` throws passes through it.
    if (error instanceof ArchiveFinding || !(error instanceof TypeError)) throw error;
    throw malformed(`its bzip2 data does not unpack: ${error.message}`);
  }
  write(chunk.subarray(0, filled));
  if (!isZeroFilled(fd, source.position(), sizeBytes)) throw ambiguous("other data follows the bzip2 stream");
}

interface FileBytes {
  readByte(): number;
  read(target: Uint8Array, offset: number, length: number): number;
  /** Bytes given out so far. */
  position(): number;
}

function byteSource(fd: number, sizeBytes: number): FileBytes {
  const chunks = readRegion(fd, 0, sizeBytes);
  let chunk: Buffer = Buffer.alloc(0);
  let at = 0;
  let position = 0;
  const readByte = (): number => {
    if (at === chunk.length) {
      const step = chunks.next();
      // The library would take -1 for eight set bits and go on, so the end is an error right here.
      if (step.done) throw malformed("its bzip2 data ends early");
      chunk = step.value;
      at = 0;
    }
    position++;
    return chunk.readUInt8(at++);
  };
  const read = (target: Uint8Array, offset: number, length: number): number => {
    for (let i = 0; i < length; i++) target[offset + i] = readByte();
    return length;
  };
  return { readByte, read, position: () => position };
}
