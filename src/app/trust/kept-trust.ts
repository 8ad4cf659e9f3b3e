import { createHash } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FILE_MODE, makeFolder, syncFolder } from "../../store/folders.ts";

/** What is known of one TUF repository: the last that was verified, and how the last look at its mirror went. */
export interface KeptTrust {
  /** SHA-256 of the root.json that the operator gave, or of the built-in one's targets: with others it is another repository, or a newer Assay. */
  readonly basis: string;
  /** By role, as it was verified last; empty before anything was. */
  readonly metadata: ReadonlyMap<string, Buffer>;
  /** By name; empty where no refresh has come through yet. */
  readonly targets: ReadonlyMap<string, Buffer>;
  /** When these targets came, and when the mirror last said that there are none newer. Milliseconds since the epoch. */
  readonly refreshedAt?: number;
  readonly checkedAt?: number;
  /** Why the last refresh failed, where it did. */
  readonly failure?: { readonly at: number; readonly detail: string };
}

/** Metadata and targets are bounded one by one when they are fetched; this keeps a wrong file from being read into memory. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

const files = z
  .record(z.string(), z.base64())
  .transform((entries) => new Map(Object.entries(entries).map(([name, text]) => [name, Buffer.from(text, "base64")])));
const schema = z.strictObject({
  version: z.literal(1),
  basis: z.string(),
  metadata: files,
  targets: files,
  refreshedAt: z.int().exactOptional(),
  checkedAt: z.int().exactOptional(),
  failure: z.strictObject({ at: z.int(), detail: z.string() }).exactOptional(),
});

/** Where everything that was kept of TUF repositories lies. */
export function trustFolder(dataDir: string): string {
  return join(dataDir, "trust");
}

export function keptFile(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

/** Answers undefined where nothing was kept. Throws for a file that is damaged: then what was there before all refreshes holds. */
export async function readKept(folder: string, name: string): Promise<KeptTrust | undefined> {
  const file = keptFile(folder, name);
  const size = await stat(file).then(({ size: bytes }) => bytes, ifAbsent);
  if (size === undefined) return undefined;
  if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
  const text = await readFile(file, "utf8");
  const body = text.slice(text.indexOf("\n") + 1);
  // A disk that lost a bit must not hand us another root.
  if (text !== `${sha256(body)}\n${body}`) throw new Error("it is not what was written: its first line is not the SHA-256 of the rest");
  const { version: _, ...kept } = schema.parse(JSON.parse(body));
  return kept;
}

/** Replaces what was kept, whole or not at all. */
export async function writeKept(folder: string, name: string, { metadata, targets, ...rest }: KeptTrust): Promise<void> {
  const body = `${JSON.stringify({ version: 1, ...rest, metadata: encoded(metadata), targets: encoded(targets) })}\n`;
  await makeFolder(folder);
  const temporary = `${keptFile(folder, name)}.${process.pid}`;
  try {
    const handle = await open(temporary, "w", FILE_MODE);
    try {
      await handle.writeFile(`${sha256(body)}\n${body}`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, keptFile(folder, name));
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
}

function encoded(entries: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...entries].map(([name, bytes]) => [name, bytes.toString("base64")]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function ifAbsent(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
