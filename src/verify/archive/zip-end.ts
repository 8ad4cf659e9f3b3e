import { readExactly } from "./file-region.ts";
import { ambiguous, malformed, pastLimit, unsupported } from "./finding.ts";

/** Where a zip archive's central directory lies. */
export interface ZipDirectory {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly entries: number;
}

const SIGNATURE = { end: 0x06054b50, zip64End: 0x06064b50, zip64Locator: 0x07064b50 } as const;
const END_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
/** The record without its extensible part, which no package tool writes. */
const ZIP64_END_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;
const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;
/** Far above what any package has (16 MiB hold 100,000 names), and small enough to keep in memory. */
const MAX_DIRECTORY_BYTES = 128 * 1024 * 1024;
/** Starts every zip record. */
const RECORD_SIGNATURES = [0x02014b50, 0x04034b50, 0x05054b50, 0x06054b50, 0x06064b50, 0x07064b50, 0x08074b50] as const;

/**
 * Finds the central directory, and refuses every archive in which another reader could find another one: a second end record, anything after
 * it or between it and the directory, zip64 records that disagree with the others, several disks. APPNOTE.TXT 4.3.14 to 4.3.16.
 * yauzl, like most readers, takes the last end record it finds and asks no more; so this is ours.
 * Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS, ARCHIVE_LIMIT, ARCHIVE_UNSUPPORTED.
 */
export function findZipDirectory(fd: number, sizeBytes: number): ZipDirectory {
  const tailBytes = Math.min(sizeBytes, ZIP64_LOCATOR_BYTES + END_BYTES + MAX_COMMENT_BYTES);
  const tailStart = sizeBytes - tailBytes;
  const tail = readExactly(fd, tailStart, tailBytes);
  const at = tail.lastIndexOf(signatureBytes(SIGNATURE.end));
  if (at === -1 || tail.length - at < END_BYTES) throw malformed("it has no end of central directory record: no zip archive, or cut short");
  const end = tail.subarray(at);
  checkComment(end);
  const fields = {
    disk: end.readUInt16LE(4),
    directoryDisk: end.readUInt16LE(6),
    entriesOnDisk: end.readUInt16LE(8),
    entries: end.readUInt16LE(10),
    sizeBytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  const locatorAt = at - ZIP64_LOCATOR_BYTES;
  const hasZip64 = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === SIGNATURE.zip64Locator;
  const directory = hasZip64
    ? readZip64(fd, tailStart + locatorAt, tail.subarray(locatorAt), fields)
    : { ...fields, recordsAt: tailStart + at };
  if (directory.disk !== 0 || directory.directoryDisk !== 0) throw unsupported("it is one of several disks");
  if (directory.entriesOnDisk !== directory.entries) throw ambiguous("its end record gives two numbers of entries");
  if (directory.offset + directory.sizeBytes !== directory.recordsAt) {
    throw ambiguous("its central directory is not where its end record says: other data stands before the archive or inside it");
  }
  if (directory.sizeBytes > MAX_DIRECTORY_BYTES) throw pastLimit(`its central directory is larger than ${MAX_DIRECTORY_BYTES} bytes`);
  return { offset: directory.offset, sizeBytes: directory.sizeBytes, entries: directory.entries };
}

interface EndFields {
  readonly disk: number;
  readonly directoryDisk: number;
  readonly entriesOnDisk: number;
  readonly entries: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

function checkComment(end: Buffer): void {
  const commentBytes = end.readUInt16LE(20);
  const present = end.length - END_BYTES;
  if (commentBytes > present) throw malformed("its comment is cut short");
  if (commentBytes < present) throw ambiguous(`${present - commentBytes} bytes follow the end of the zip archive`);
  const comment = end.subarray(END_BYTES);
  if (RECORD_SIGNATURES.some((signature) => comment.includes(signatureBytes(signature)))) throw ambiguous("its comment holds zip records");
}

/** The zip64 records, which must stand right before the end record and say the same where that one says anything. */
function readZip64(fd: number, locatorAt: number, locator: Buffer, end: EndFields): EndFields & { readonly recordsAt: number } {
  const recordsAt = safe(locator.readBigUInt64LE(8));
  if (recordsAt + ZIP64_END_BYTES !== locatorAt || locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) {
    throw ambiguous("its zip64 end record is not right before its locator");
  }
  const record = readExactly(fd, recordsAt, ZIP64_END_BYTES);
  if (record.readUInt32LE(0) !== SIGNATURE.zip64End || safe(record.readBigUInt64LE(4)) !== ZIP64_END_BYTES - 12) {
    throw malformed("its zip64 end record does not parse");
  }
  const fields: EndFields = {
    disk: record.readUInt32LE(16),
    directoryDisk: record.readUInt32LE(20),
    entriesOnDisk: safe(record.readBigUInt64LE(24)),
    entries: safe(record.readBigUInt64LE(32)),
    sizeBytes: safe(record.readBigUInt64LE(40)),
    offset: safe(record.readBigUInt64LE(48)),
  };
  const agree =
    saysSame(end.disk, fields.disk, MAX_16) &&
    saysSame(end.directoryDisk, fields.directoryDisk, MAX_16) &&
    saysSame(end.entriesOnDisk, fields.entriesOnDisk, MAX_16) &&
    saysSame(end.entries, fields.entries, MAX_16) &&
    saysSame(end.sizeBytes, fields.sizeBytes, MAX_32) &&
    saysSame(end.offset, fields.offset, MAX_32);
  if (!agree) throw ambiguous("its end record and its zip64 end record disagree");
  return { ...fields, recordsAt };
}

/** The marker means "see the zip64 record". */
function saysSame(short: number, long: number, marker: number): boolean {
  return short === marker || short === long;
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed("a zip64 field is impossibly large");
  return Number(value);
}

function signatureBytes(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}
