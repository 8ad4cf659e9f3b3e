import { Header } from "tar";
import { quote } from "../../core/quote.ts";
import { isZero } from "./file-region.ts";
import { ambiguous, malformed } from "./finding.ts";

export const BLOCK_BYTES = 512;

export interface TarHeader {
  /** The type flag as written; NUL is given as `0`, which it means. */
  readonly type: string;
  readonly name: string;
  readonly nameBytes: number;
  readonly linkname: string;
  readonly sizeBytes: number;
}

const FIELD = { name: [0, 100], size: [124, 136], linkname: [157, 257], magic: [257, 265], prefix: [345, 500] } as const;

/**
 * One tar header; undefined for a block of zeros, which ends an archive.
 *
 * The `tar` library (npm's own) decodes the fields and proves the checksum. What it settles silently is refused here, because other readers
 * settle it otherwise: stray bytes after a name's end, a prefix under a magic that has none, numbers with something behind them.
 * Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS.
 */
export function decodeTarHeader(block: Buffer): TarHeader | undefined {
  if (isZero(block)) return undefined;
  const header = new Header(block);
  if (!header.cksumValid) throw malformed("a tar header has a wrong checksum");
  const magic = field(block, "magic").toString("latin1");
  const posix = magic === "ustar\u000000";
  if (!posix && magic !== "ustar  \0" && !isZero(field(block, "magic")))
    throw malformed(`a tar header has the unknown magic ${quote(magic)}`);
  // Python joins a prefix to the name whatever the magic says; GNU tar and npm only under POSIX's own.
  if (!posix && !isZero(field(block, "prefix")))
    throw ambiguous(`entry ${quote(text(block, "name"))} has a prefix that only some readers see`);
  const prefix = posix ? text(block, "prefix") : "";
  const name = prefix === "" ? text(block, "name") : `${prefix}/${text(block, "name")}`;
  if (name !== header.path || text(block, "linkname") !== header.linkpath)
    throw ambiguous(`entry ${quote(name)} has hidden bytes in its name`);
  const flag = block.toString("latin1", 156, 157);
  return {
    type: flag === "\0" ? "0" : flag,
    name,
    nameBytes: Buffer.byteLength(name),
    linkname: text(block, "linkname"),
    sizeBytes: size(field(block, "size"), name),
  };
}

function field(block: Buffer, name: keyof typeof FIELD): Buffer {
  return block.subarray(...FIELD[name]);
}

/** A name as C reads it: up to the first NUL. */
function text(block: Buffer, name: keyof typeof FIELD): string {
  const bytes = field(block, name);
  const zero = bytes.indexOf(0);
  return bytes.toString("utf8", 0, zero === -1 ? bytes.length : zero);
}

/** Octal digits with spaces around and NULs behind, or, for sizes past 8 GiB, GNU's base 256. */
function size(bytes: Buffer, name: string): number {
  if (bytes[0] === 0x80) {
    const value = bytes.readBigUInt64BE(4);
    if (!isZero(bytes.subarray(1, 4)) || value > BigInt(Number.MAX_SAFE_INTEGER))
      throw malformed(`entry ${quote(name)} has an impossible size`);
    return Number(value);
  }
  const digits = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString("latin1"))?.[1];
  if (digits === undefined) throw malformed(`entry ${quote(name)} has a size that is no octal number`);
  return Number.parseInt(digits, 8);
}
