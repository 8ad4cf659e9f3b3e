import { crc32, deflateRawSync } from "node:zlib";

/** The fields that a local header and a central directory record share. */
export interface ZipFields {
  readonly path: string | Buffer;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly extra: Buffer;
}

/** One zip member, as it is to be written: nothing is checked, so that hostile archives can be made. */
export interface ZipEntry {
  readonly path: string | Buffer;
  readonly body?: Buffer | string;
  /** 0 stored, 8 deflated (the default). */
  readonly method?: number;
  /** Unix mode with the file type, e.g. 0o120777 for a symbolic link. */
  readonly mode?: number;
  /** Bit 11, UTF-8 names, is set where it is left out. */
  readonly flags?: number;
  /** What only one of the two headers says. */
  readonly local?: Partial<ZipFields>;
  readonly central?: Partial<ZipFields> & { readonly offset?: number };
  /** Sizes and CRC after the data instead of before, with or without the signature that most tools write. */
  readonly descriptor?: "signed" | "unsigned";
  /** Written instead of the compressed body. */
  readonly data?: Buffer;
  /** Bytes between the member before and this one. */
  readonly gap?: Buffer;
}

export interface ZipQuirks {
  readonly prepend?: Buffer;
  readonly append?: Buffer;
  readonly comment?: Buffer;
  /** Bytes between the last member and the central directory. */
  readonly beforeDirectory?: Buffer;
  /** Bytes between the central directory and its end record. */
  readonly afterDirectory?: Buffer;
  /** Adds zip64 end records, as large archives have. */
  readonly zip64?: boolean;
  /** Changes the end of central directory record. */
  readonly alterEnd?: (end: Buffer) => void;
  /** Changes the zip64 end of central directory record. */
  readonly alterZip64End?: (end: Buffer) => void;
}

const NONE = Buffer.alloc(0);
const UTF8_NAMES = 0x800;
const SIZES_FOLLOW = 0x8;
/** 1 January 1980, the first day that a zip archive can name. */
const DOS_DATE = 0x21;

/** A zip archive of `entries`, in that order. The same input gives the same bytes. */
export function buildZip(entries: readonly ZipEntry[], quirks: ZipQuirks = {}): Buffer {
  const parts: Buffer[] = [quirks.prepend ?? NONE];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const body = Buffer.from(entry.body ?? "");
    const method = entry.method ?? 8;
    const data = entry.data ?? (method === 8 ? deflateRawSync(body) : body);
    const flags = (entry.flags ?? UTF8_NAMES) | (entry.descriptor ? SIZES_FOLLOW : 0);
    const fields: ZipFields = {
      path: entry.path,
      flags,
      method,
      crc: crc32(body),
      compressedSize: data.length,
      size: body.length,
      extra: NONE,
    };
    const later = entry.descriptor ? { crc: 0, compressedSize: 0, size: 0 } : {};
    const start = offset + (entry.gap?.length ?? 0);
    const piece = [entry.gap ?? NONE, localHeader({ ...fields, ...later, ...entry.local }), data, descriptor(entry, fields)];
    parts.push(...piece);
    offset += piece.reduce((total, buffer) => total + buffer.length, 0);
    directory.push(centralRecord({ ...fields, ...entry.central }, entry.mode ?? 0o100644, entry.central?.offset ?? start));
  }
  parts.push(quirks.beforeDirectory ?? NONE, ...directory, quirks.afterDirectory ?? NONE);
  const directoryOffset = offset + (quirks.beforeDirectory?.length ?? 0);
  const directorySize = directory.reduce((total, record) => total + record.length, 0);
  if (quirks.zip64) parts.push(...zip64End(entries.length, directorySize, directoryOffset, quirks));
  parts.push(end(entries.length, directorySize, directoryOffset, quirks), quirks.comment ?? NONE, quirks.append ?? NONE);
  return Buffer.concat(parts);
}

function localHeader(fields: ZipFields): Buffer {
  const path = Buffer.from(fields.path);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(fields.flags, 6);
  header.writeUInt16LE(fields.method, 8);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(fields.crc, 14);
  header.writeUInt32LE(fields.compressedSize, 18);
  header.writeUInt32LE(fields.size, 22);
  header.writeUInt16LE(path.length, 26);
  header.writeUInt16LE(fields.extra.length, 28);
  return Buffer.concat([header, path, fields.extra]);
}

function descriptor(entry: ZipEntry, fields: ZipFields): Buffer {
  if (!entry.descriptor) return NONE;
  const record = Buffer.alloc(16);
  record.writeUInt32LE(0x08074b50, 0);
  record.writeUInt32LE(fields.crc, 4);
  record.writeUInt32LE(fields.compressedSize, 8);
  record.writeUInt32LE(fields.size, 12);
  return entry.descriptor === "signed" ? record : record.subarray(4);
}

function centralRecord(fields: ZipFields, mode: number, offset: number): Buffer {
  const path = Buffer.from(fields.path);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE((3 << 8) | 20, 4);
  record.writeUInt16LE(20, 6);
  record.writeUInt16LE(fields.flags, 8);
  record.writeUInt16LE(fields.method, 10);
  record.writeUInt16LE(DOS_DATE, 14);
  record.writeUInt32LE(fields.crc, 16);
  record.writeUInt32LE(fields.compressedSize, 20);
  record.writeUInt32LE(fields.size, 24);
  record.writeUInt16LE(path.length, 28);
  record.writeUInt16LE(fields.extra.length, 30);
  record.writeUInt32LE((mode << 16) >>> 0, 38);
  record.writeUInt32LE(offset, 42);
  return Buffer.concat([record, path, fields.extra]);
}

function zip64End(count: number, size: number, offset: number, quirks: ZipQuirks): Buffer[] {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  quirks.alterZip64End?.(record);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size + (quirks.afterDirectory?.length ?? 0)), 8);
  locator.writeUInt32LE(1, 16);
  return [record, locator];
}

function end(count: number, size: number, offset: number, quirks: ZipQuirks): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(Math.min(count, 0xffff), 8);
  record.writeUInt16LE(Math.min(count, 0xffff), 10);
  record.writeUInt32LE(size, 12);
  record.writeUInt32LE(offset, 16);
  record.writeUInt16LE(quirks.comment?.length ?? 0, 20);
  quirks.alterEnd?.(record);
  return record;
}
