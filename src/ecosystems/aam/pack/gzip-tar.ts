import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw, constants as zlib } from "node:zlib";
import { AssayError } from "../../../core/errors.ts";

/** Bytes that the compressor is given at once. Fixed, so that its output never hangs on how the content came in. */
const PIECE_BYTES = 64 * 1024;

/** Every setting is explicit: another default in another Node would be another archive. */
const DEFLATE = {
  level: 9,
  memLevel: 8,
  windowBits: 15,
  strategy: zlib.Z_DEFAULT_STRATEGY,
  chunkSize: PIECE_BYTES,
} as const;

/**
 * Packs a tar archive into one gzip member: FLG 0, XFL 2, OS 255, MTIME as given (seconds). Throws BAD_REQUEST past `maxBytes`, before it holds more.
 * The deflate stream is the one of this Node's zlib: other encoders and other versions make other bytes of the same content. RFC 1952.
 */
export async function gzipTar(
  tar: AsyncIterable<Buffer>,
  { epochSeconds, maxBytes }: { epochSeconds: number; maxBytes: number },
): Promise<Buffer> {
  const packed: Buffer[] = [gzipHeader(epochSeconds)];
  let packedBytes = 0;
  const tally = { crc: 0, bytes: 0 };
  await pipeline(
    () => counted(pieces(tar), tally),
    createDeflateRaw(DEFLATE),
    async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        packedBytes += chunk.length;
        if (packedBytes > maxBytes) throw tooLarge(maxBytes);
        packed.push(chunk);
      }
    },
  );
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(tally.crc, 0);
  trailer.writeUInt32LE(tally.bytes % 2 ** 32, 4);
  const bytes = Buffer.concat([...packed, trailer]);
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/** The ten bytes that every archive of this time begins with. */
export function gzipHeader(epochSeconds: number): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  header.writeUInt32LE(epochSeconds, 4);
  return header;
}

async function* counted(source: AsyncIterable<Buffer>, tally: { crc: number; bytes: number }): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    tally.crc = crc32(piece, tally.crc);
    tally.bytes += piece.length;
    yield piece;
  }
}

/** The same bytes in pieces of `PIECE_BYTES`. */
async function* pieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + PIECE_BYTES - heldBytes);
      held.push(part);
      heldBytes += part.length;
      at += part.length;
      if (heldBytes < PIECE_BYTES) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

function tooLarge(maxBytes: number): AssayError {
  return new AssayError("BAD_REQUEST", `the archive is larger than the ${maxBytes} bytes that a package may have`, {
    help: "leave out what users do not need with `files` in package.agent.json",
  });
}
