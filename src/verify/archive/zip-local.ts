import { Entry, type LocalFileHeader, type ZipFile } from "yauzl";
import { quote } from "../../core/quote.ts";
import { readExactly } from "./file-region.ts";
import { ambiguous, malformed } from "./finding.ts";
import { checkExtraFields, ZIP_FLAG, type ZipMember, zip64Values } from "./zip-directory.ts";

const MAX_32 = 0xffffffff;
const DESCRIPTOR_SIGNATURE = 0x08074b50;
/** Flags that change how an entry is read; the others are hints about the compressor, which some tools write on one side only. */
const TELLING_FLAGS = ZIP_FLAG.encrypted | ZIP_FLAG.sizesFollow | ZIP_FLAG.strongEncryption | ZIP_FLAG.maskedHeaders;

/**
 * Where a member's data begins, once its local header was found to say what the central directory says. Streaming readers (uv) go by the
 * local headers, others (pip) by the directory: any difference is two archives in one (CVE-2025-54368).
 * `end` is where the next record begins: the data and its descriptor must reach exactly there. Throws ARCHIVE_AMBIGUOUS, ARCHIVE_MALFORMED.
 */
export async function checkLocalHeader(zip: ZipFile, fd: number, member: ZipMember, end: number): Promise<number> {
  const local = await zip.readLocalFileHeaderPromise(at(member.offset), { minimal: false });
  const name = quote(member.name);
  if (!local.fileName.equals(member.rawName)) {
    throw ambiguous(`entry ${name} is called ${quote(local.fileName.toString("utf8"))} in its local header`);
  }
  // UTF-8 or not makes no difference to a name in ASCII.
  const telling = member.rawName.every((byte) => byte < 0x80) ? TELLING_FLAGS : TELLING_FLAGS | ZIP_FLAG.utf8;
  if ((local.generalPurposeBitFlag & telling) !== (member.flags & telling))
    throw ambiguous(`entry ${name} has other flags in its local header`);
  if (local.compressionMethod !== member.method) throw ambiguous(`entry ${name} is packed with another method by its local header`);
  checkExtraFields(member.name, member.rawName, local.extraField);
  checkSizes(member, local);
  const dataEnd = local.fileDataStart + member.compressedBytes;
  if (dataEnd > end) throw ambiguous(`entry ${name} overlaps the one behind it`);
  if (member.flags & ZIP_FLAG.sizesFollow) checkDescriptor(member, dataEnd, fd, end);
  else if (dataEnd !== end) throw ambiguous(`${end - dataEnd} unexplained bytes follow entry ${name}`);
  return local.fileDataStart;
}

/** yauzl reads local headers for entries of its own; only their offset counts. */
function at(offset: number): Entry {
  const entry = new Entry();
  entry.relativeOffsetOfLocalHeader = offset;
  return entry;
}

function checkSizes(member: ZipMember, local: LocalFileHeader): void {
  const wide = zip64Values(member.name, local.extraField);
  const sizeBytes = local.uncompressedSize === MAX_32 && wide?.[0] !== undefined ? wide[0] : local.uncompressedSize;
  const compressedBytes = local.compressedSize === MAX_32 && wide?.[1] !== undefined ? wide[1] : local.compressedSize;
  const same = local.crc32 === member.crc && sizeBytes === member.sizeBytes && compressedBytes === member.compressedBytes;
  // Where a descriptor follows the data, the header's own fields may be left zero.
  const later = (member.flags & ZIP_FLAG.sizesFollow) !== 0 && local.crc32 === 0 && sizeBytes === 0 && compressedBytes === 0;
  if (!same && !later) throw ambiguous(`entry ${quote(member.name)} has another size or checksum in its local header`);
}

/** CRC and both sizes, 32 or 64 bits wide, with or without a signature before: 12, 16, 20 or 24 bytes, so the length tells which. APPNOTE.TXT 4.3.9. */
function checkDescriptor(member: ZipMember, from: number, fd: number, end: number): void {
  const name = quote(member.name);
  const length = end - from;
  const width = { 12: 4, 16: 4, 20: 8, 24: 8 }[length];
  if (width === undefined) throw ambiguous(`${length} bytes follow entry ${name}, which is no data descriptor`);
  const record = readExactly(fd, from, length);
  const signed = length - 4 - 2 * width === 4;
  if (signed && record.readUInt32LE(0) !== DESCRIPTOR_SIGNATURE) throw malformed(`the data descriptor of entry ${name} does not parse`);
  const fields = record.subarray(signed ? 4 : 0);
  const size = (position: number): number => (width === 4 ? fields.readUInt32LE(position) : Number(fields.readBigUInt64LE(position)));
  const same = fields.readUInt32LE(0) === member.crc && size(4) === member.compressedBytes && size(4 + width) === member.sizeBytes;
  if (!same) throw ambiguous(`the data descriptor of entry ${name} contradicts the central directory`);
}
