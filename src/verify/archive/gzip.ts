import { crc32 } from "node:zlib";
import { inflateRegion, isZeroFilled, readExactly } from "./file-region.ts";
import { ambiguous, malformed } from "./finding.ts";

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
/** A header holds a file name and a comment at most; no honest one comes near this. */
const MAX_HEADER_BYTES = 64 * 1024;

const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/**
 * Unpacks a gzip file of exactly one member, streaming, and checks its header and trailer. RFC 1952.
 *
 * Only zero bytes may follow the member: some old npm tarballs are padded to full blocks. Further members are legal gzip, but a reader that
 * stops after the first and one that goes on would see two archives, and no package tool writes them. node:zlib's own gunzip would
 * silently go on, so the member is taken apart here. Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS.
 */
export async function* gunzip(fd: number, sizeBytes: number): AsyncGenerator<Buffer, void> {
  const start = parseHeader(readExactly(fd, 0, Math.min(sizeBytes, MAX_HEADER_BYTES)));
  const member = inflateRegion(fd, start, sizeBytes);
  let crc = 0;
  let unpackedBytes = 0;
  let step = await member.next();
  while (!step.done) {
    crc = crc32(step.value, crc);
    unpackedBytes += step.value.length;
    yield step.value;
    step = await member.next();
  }
  const end = start + step.value;
  const trailer = readExactly(fd, end, TRAILER_BYTES);
  if (trailer.readUInt32LE(0) !== crc) throw malformed("the gzip checksum does not match its content");
  if (trailer.readUInt32LE(4) !== unpackedBytes % 2 ** 32) throw malformed("the gzip trailer gives another length than its content has");
  if (!isZeroFilled(fd, end + TRAILER_BYTES, sizeBytes)) throw ambiguous("other data follows the gzip member");
}

/** Answers how long the header is. */
function parseHeader(head: Buffer): number {
  if (head.length < HEADER_BYTES || head.readUInt16BE(0) !== 0x1f8b) throw malformed("it is not gzip");
  if (head[2] !== 8) throw malformed("its gzip compression method is not deflate");
  const flags = head.readUInt8(3);
  if (flags & FLAG.reserved) throw malformed("its gzip header has reserved flags");
  let at = HEADER_BYTES;
  if (flags & FLAG.extra) at += 2 + (at + 2 <= head.length ? head.readUInt16LE(at) : head.length);
  if (flags & FLAG.name) at = afterZero(head, at);
  if (flags & FLAG.comment) at = afterZero(head, at);
  if (flags & FLAG.headerCrc) {
    if (at + 2 > head.length || head.readUInt16LE(at) !== (crc32(head.subarray(0, at)) & 0xffff))
      throw malformed("its gzip header does not match its checksum");
    at += 2;
  }
  if (at >= head.length) throw malformed("its gzip header does not end");
  return at;
}

function afterZero(head: Buffer, from: number): number {
  const zero = head.indexOf(0, from);
  if (zero === -1) throw malformed("its gzip header does not end");
  return zero + 1;
}
