/** One tar member, as it is to be written: nothing is checked, so that hostile archives can be made. */
export interface TarEntry {
  readonly path: string;
  readonly body?: Buffer | string;
  /** The type flag; `0`, a regular file, where it is left out. */
  readonly type?: string;
  readonly linkpath?: string;
  readonly mode?: number;
  /** What the header says the size is, where that is not the length of the body. */
  readonly size?: number;
  readonly magic?: "ustar" | "gnu" | "v7";
  /** Records of a pax header that is written before this member. A path that does not fit makes one by itself. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Changes the header's bytes before its checksum is computed. */
  readonly alter?: (header: Buffer) => void;
  readonly brokenChecksum?: boolean;
}

export interface TarQuirks {
  /** Blocks of zeros at the end; 2 by the specification. */
  readonly endBlocks?: number;
  /** Written after them. */
  readonly trailing?: Buffer;
}

const BLOCK = 512;
const MAGIC = { ustar: "ustar\u000000", gnu: "ustar  \0", v7: "" } as const;

/** A tar archive of `entries`, in that order. The same input gives the same bytes. */
export function buildTar(entries: readonly TarEntry[], quirks: TarQuirks = {}): Buffer {
  return Buffer.concat([...entries.flatMap(member), Buffer.alloc(BLOCK * (quirks.endBlocks ?? 2)), quirks.trailing ?? Buffer.alloc(0)]);
}

/** One pax record: its own length in decimal, a space, key, equals sign, value, line feed. */
export function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length++;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function member(entry: TarEntry): Buffer[] {
  const body = Buffer.from(entry.body ?? "");
  const long = Buffer.byteLength(entry.path) > 100 && entry.pax?.["path"] === undefined;
  const pax = long ? { ...entry.pax, path: entry.path } : entry.pax;
  const records = pax ? Buffer.concat(Object.entries(pax).map(([key, value]) => paxRecord(key, value))) : undefined;
  return [
    ...(records ? [header({ path: "PaxHeader", type: "x" }, records.length), padded(records)] : []),
    header(long ? { ...entry, path: entry.path.slice(0, 50) } : entry, entry.size ?? body.length),
    padded(body),
  ];
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.path, 0, 100, "utf8");
  block.write(octal(entry.mode ?? 0o644, 8), 100, "latin1");
  block.write(octal(0, 8), 108, "latin1");
  block.write(octal(0, 8), 116, "latin1");
  block.write(octal(size, 12), 124, "latin1");
  block.write(octal(0, 12), 136, "latin1");
  block.write(entry.type ?? "0", 156, 1, "latin1");
  block.write(entry.linkpath ?? "", 157, 100, "utf8");
  block.write(MAGIC[entry.magic ?? "ustar"], 257, "latin1");
  entry.alter?.(block);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, entry.brokenChecksum ? 1 : 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
