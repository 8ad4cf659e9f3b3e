/** POSIX tar's unit: headers are one block, contents are filled up to a whole one. */
const BLOCK_BYTES = 512;
/** What ends an archive. */
const END_BYTES = 2 * BLOCK_BYTES;
/** From here on a size does not fit the field's eleven octal digits, and is written in base 256, as GNU tar does. */
const OCTAL_BYTES = 8 ** 11;

/** One file of an archive. */
export interface TarFile {
  /** At most 100 characters of ASCII. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** A file in its place. */
export interface PlacedFile extends TarFile {
  /** Where its header begins, and where its content does. */
  readonly headerAt: number;
  readonly contentAt: number;
  /** Zeros after its content. */
  readonly paddingBytes: number;
}

/** Where everything stands in an archive of these files. */
export interface TarLayout {
  readonly files: readonly PlacedFile[];
  /** Where the closing zeros begin, and how many there are. */
  readonly endAt: number;
  readonly endBytes: number;
}

/** Files in the order given, with nothing between them: all that a reader needs to know to find each without reading the others. */
export function layOut(files: readonly TarFile[]): TarLayout {
  let at = 0;
  const placed = files.map((file): PlacedFile => {
    const contentAt = at + BLOCK_BYTES;
    const paddingBytes = (BLOCK_BYTES - (file.sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    const headerAt = at;
    at = contentAt + file.sizeBytes + paddingBytes;
    return { ...file, headerAt, contentAt, paddingBytes };
  });
  return { files: placed, endAt: at, endBytes: END_BYTES };
}

/**
 * The one header that a file of this path and size has: a ustar block with owner 0, mode 0644 and time 0. Readers compare it byte by byte and parse none, so it is part of the
 * bundle's format, and must never come out otherwise. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
export function tarHeader({ path, sizeBytes }: TarFile): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(path)) throw new Error("a path in a bundle is at most 100 characters of ASCII");
  const block = Buffer.alloc(BLOCK_BYTES);
  const put = (text: string, at: number): void => void block.write(text, at, "latin1");
  put(path, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  writeSize(block, sizeBytes);
  put("00000000000\0", 136);
  // The checksum is taken with its own field full of spaces.
  put("        ", 148);
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** The size that a header gives; undefined for a field that `tarHeader` would not write. */
export function sizeInHeader(header: Buffer): number | undefined {
  const digits = header.toString("latin1", 124, 135);
  return /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function writeSize(block: Buffer, sizeBytes: number): void {
  if (sizeBytes < OCTAL_BYTES) {
    block.write(`${sizeBytes.toString(8).padStart(11, "0")}\0`, 124, "latin1");
    return;
  }
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(sizeBytes), 128);
}
