import { readSync } from "node:fs";
import type { Transform } from "node:stream";
import { createInflateRaw, inflateRawSync } from "node:zlib";
import { malformed } from "./finding.ts";

/** Bytes held at once of whatever is read or inflated. */
const CHUNK_BYTES = 64 * 1024;

/** `length` bytes at `position`. Throws ARCHIVE_MALFORMED where the file ends before. */
export function readExactly(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const count = readSync(fd, buffer, read, length - read, position + read);
    if (count === 0) throw malformed("it is cut short");
    read += count;
  }
  return buffer;
}

/**
 * The bytes from `start` up to `end`, a chunk at a time; a chunk is valid until the next is asked for. One buffer serves all of them: a new one for
 * each was measured to leave 100 MB of garbage behind per worker before it was collected. Reads block: this runs in a worker that has nothing else to do.
 */
export function* readRegion(fd: number, start: number, end: number): Generator<Buffer, void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - start));
  for (let position = start; position < end; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, end - position), position);
    if (count === 0) throw malformed("it is cut short");
    position += count;
    yield buffer.subarray(0, count);
  }
}

/** Whether every byte from `start` up to `end` is zero. */
export function isZeroFilled(fd: number, start: number, end: number): boolean {
  for (const chunk of readRegion(fd, start, end)) if (!isZero(chunk)) return false;
  return true;
}

const ZEROS = Buffer.alloc(CHUNK_BYTES);

export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}

/**
 * Inflates the raw deflate stream between `start` and `end` at once, into at most `maxBytes`. For what is small: a stream for each of
 * thousands of small files costs more than inflating them. Throws ARCHIVE_MALFORMED.
 */
export function inflateWhole(
  fd: number,
  start: number,
  end: number,
  maxBytes: number,
): { readonly content: Buffer; readonly usedBytes: number } {
  const packed = readExactly(fd, start, end - start);
  try {
    const { buffer, engine } = inflateRawSync(packed, { maxOutputLength: Math.max(maxBytes, 1), info: true }) as unknown as Inflated;
    return { content: buffer, usedBytes: engine.bytesWritten };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE")
      throw malformed(`an entry unpacks to more than the ${maxBytes} bytes it declares`);
    throw error;
  }
}

/** What `info: true` makes of the answer; its types do not say so. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Inflates the raw deflate stream that begins at `start` and ends before `end`. Yields what comes out; returns how many compressed bytes
 * the stream was, which is less than the region where other bytes follow it. Throws ARCHIVE_MALFORMED.
 */
export async function* inflateRegion(fd: number, start: number, end: number): AsyncGenerator<Buffer, number> {
  if (start === end) throw malformed("a deflate stream is empty");
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  yield* pour(fd, start, end, inflate);
  return inflate.bytesWritten;
}

/** Sends the bytes between `start` and `end` through `unpacker` and yields what comes out. Throws what `unpacker` fails with. */
export async function* pour(fd: number, start: number, end: number, unpacker: Transform): AsyncGenerator<Buffer, void> {
  // Not awaited: an unpacker whose data ends before the region takes no more, and never says so.
  fill(unpacker, fd, start, end).catch((error: Error) => unpacker.destroy(error));
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
  } finally {
    unpacker.destroy();
  }
}

/** A chunk's buffer is used again for the next, so each must be taken before the next is read. */
async function fill(unpacker: Transform, fd: number, start: number, end: number): Promise<void> {
  for (const chunk of readRegion(fd, start, end)) {
    await new Promise<void>((resolve, reject) => unpacker.write(chunk, (error) => (error ? reject(error) : resolve())));
  }
  unpacker.end();
}
