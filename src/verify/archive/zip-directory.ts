import { crc32 } from "node:zlib";
import { type Entry, parseExtraFields, type ZipFile } from "yauzl";
import { quote } from "../../core/quote.ts";
import { ambiguous, malformed, unsafe, unsupported } from "./finding.ts";
import type { ZipDirectory } from "./zip-end.ts";

/** One entry as the central directory has it. */
export interface ZipMember {
  readonly name: string;
  readonly rawName: Buffer;
  readonly flags: number;
  readonly method: 0 | 8;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Offset of its local header. */
  readonly offset: number;
  readonly kind: "file" | "folder" | "link";
}

export const ZIP_FLAG = {
  encrypted: 0x1,
  sizesFollow: 0x8,
  patched: 0x20,
  strongEncryption: 0x40,
  utf8: 0x800,
  maskedHeaders: 0x2000,
} as const;

const RECORD_BYTES = 46;
const EXTRA = { zip64: 0x0001, unicodePath: 0x7075 } as const;
const FILE_TYPE = { mask: 0o170000, none: 0, regular: 0o100000, folder: 0o040000, link: 0o120000 } as const;

/**
 * The central directory, entry by entry, as yauzl decodes it. yauzl reads as many records as the end record names and asks no more, takes the
 * first of two extra fields and settles names silently; what other readers may settle otherwise is refused here.
 * Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS, ARCHIVE_UNSAFE, ARCHIVE_UNSUPPORTED.
 */
export async function* readZipDirectory(zip: ZipFile, directory: ZipDirectory): AsyncGenerator<ZipMember, void> {
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    bytes += RECORD_BYTES + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    yield toMember(entry);
  }
  if (bytes !== directory.sizeBytes) throw ambiguous("its central directory holds more than its entries");
}

function toMember(entry: Entry): ZipMember {
  const rawName = Buffer.from(entry.fileNameRaw);
  const name = decodeName(rawName, entry.generalPurposeBitFlag);
  checkFlags(name, entry.generalPurposeBitFlag);
  checkExtraFields(name, rawName, entry.extraFieldRaw);
  checkZip64(name, entry);
  const method = entry.compressionMethod;
  // pip also unpacks bzip2 and LZMA, uv neither; package tools write only these two, and the index accepts no others for wheels.
  if (method !== 0 && method !== 8)
    throw unsupported(`entry ${quote(name)} is packed with method ${method}; only stored and deflated ones can be checked`);
  return {
    name,
    rawName,
    flags: entry.generalPurposeBitFlag,
    method,
    crc: entry.crc32,
    compressedBytes: entry.compressedSize,
    sizeBytes: entry.uncompressedSize,
    offset: entry.relativeOffsetOfLocalHeader,
    kind: kindOf(name, entry.externalFileAttributes >>> 16),
  };
}

/**
 * Without the flag that says UTF-8, a name's bytes are CP437 to some readers and UTF-8 to others. That differs only in letters outside ASCII,
 * which no special name has, so such names are kept: old tools write them. Decoding them as UTF-8 where that is possible finds the ones
 * that are one name to a reader of UTF-8. Throws ARCHIVE_MALFORMED for a name that is flagged and is no UTF-8.
 */
function decodeName(raw: Buffer, flags: number): string {
  const name = raw.toString("utf8");
  if (Buffer.from(name).equals(raw)) return name;
  if (flags & ZIP_FLAG.utf8) throw malformed(`entry ${quote(name)} has a name that is no UTF-8`);
  return raw.toString("latin1");
}

function checkFlags(name: string, flags: number): void {
  if (flags & (ZIP_FLAG.encrypted | ZIP_FLAG.strongEncryption | ZIP_FLAG.maskedHeaders))
    throw unsupported(`entry ${quote(name)} is encrypted`);
  if (flags & ZIP_FLAG.patched) throw unsupported(`entry ${quote(name)} is patch data`);
}

/** Refuses extra fields that give an entry another name or another size to readers that look at them. Throws ARCHIVE_AMBIGUOUS, ARCHIVE_MALFORMED. */
export function checkExtraFields(name: string, rawName: Buffer, extra: Buffer): void {
  const fields = parseExtraFields(extra);
  for (const id of Object.values(EXTRA)) {
    if (fields.filter((field) => field.id === id).length > 1) throw ambiguous(`entry ${quote(name)} has two extra fields for one purpose`);
  }
  const path = fields.find((field) => field.id === EXTRA.unicodePath)?.data;
  if (!path) return;
  const sameName = path.length >= 5 && path[0] === 1 && path.readUInt32LE(1) === crc32(rawName) && path.subarray(5).equals(rawName);
  if (!sameName)
    throw ambiguous(`entry ${quote(name)} has another name, ${quote(path.toString("utf8", 5))}, to readers of its Unicode path field`);
}

/** The 64-bit sizes in an extra field, in their fixed order; undefined where there is no such field. Throws ARCHIVE_MALFORMED. */
export function zip64Values(name: string, extra: Buffer): readonly number[] | undefined {
  const data = parseExtraFields(extra).find((field) => field.id === EXTRA.zip64)?.data;
  if (!data) return undefined;
  const values: number[] = [];
  for (let at = 0; at + 8 <= data.length; at += 8) {
    const value = data.readBigUInt64LE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`entry ${quote(name)} has an impossible zip64 size`);
    values.push(Number(value));
  }
  return values;
}

/**
 * A zip64 field holds the values whose 32-bit fields are at their maximum, in their fixed order; Python writes them from 2 GiB on, Go always all
 * three. Whichever they are, none may contradict what yauzl made of the record: another reader would take the other value.
 */
function checkZip64(name: string, entry: Entry): void {
  let at = 0;
  const actual = [entry.uncompressedSize, entry.compressedSize, entry.relativeOffsetOfLocalHeader];
  for (const value of zip64Values(name, entry.extraFieldRaw) ?? []) {
    at = actual.indexOf(value, at) + 1;
    if (at === 0) throw ambiguous(`entry ${quote(name)} has a zip64 field that contradicts its record`);
  }
}

function kindOf(name: string, mode: number): ZipMember["kind"] {
  const type = mode & FILE_TYPE.mask;
  if (name.endsWith("/")) {
    if (type === FILE_TYPE.link) throw ambiguous(`entry ${quote(name)} is a folder by its name and a link by its mode`);
    return "folder";
  }
  switch (type) {
    case FILE_TYPE.none:
    case FILE_TYPE.regular:
      return "file";
    case FILE_TYPE.link:
      return "link";
    case FILE_TYPE.folder:
      throw ambiguous(`entry ${quote(name)} is a file by its name and a folder by its mode`);
    default:
      throw unsafe(`entry ${quote(name)} is a device or a pipe`);
  }
}
