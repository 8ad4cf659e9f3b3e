import { constants } from "node:fs";
import { open, opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Entry, openPromise } from "yauzl";
import { AssayError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { affects, type OsvAffected, parseOsvEntry } from "./osv-entry.ts";
import type { Coordinates } from "./purl-pattern.ts";

export interface OsvLimits {
  /** Files in the folder or zip, of whatever kind. */
  readonly files: number;
  /** Bytes of one entry, unpacked. */
  readonly entryBytes: number;
  /** Bytes of all entries together, unpacked. */
  readonly totalBytes: number;
}

const GIB = 1024 ** 3;
const OSV_LIMITS: OsvLimits = { files: 2_000_000, entryBytes: 4 * 1024 * 1024, totalBytes: 8 * GIB };

const MAX_ANSWERED = 20_000;
const MAX_FOLDER_DEPTH = 8;
const MAX_JSON_DEPTH = 64;
const DAY_MS = 86_400_000;

/** What a feed knows, for people who want to see whether it works. */
export interface OsvSummary {
  /** Entries that count, and those left out because they are not about malicious packages, were withdrawn or are about other ecosystems. */
  readonly entries: number;
  readonly skipped: number;
  /** Files that are no OSV entry or past a limit; `firstMalformed` names one. They deny nothing. */
  readonly malformed: number;
  readonly firstMalformed: string | undefined;
  readonly packages: number;
  /** When it last changed, by its entries or its files, in milliseconds since the epoch. */
  readonly newestAt: number;
}

export interface OsvMatch {
  readonly id: string;
  readonly summary: string;
}

/** A feed of OSV entries in memory. Immutable; a changed feed is opened anew. */
export class OsvFeed {
  readonly summary: OsvSummary;
  readonly #byPackage: ReadonlyMap<string, readonly OsvAffected[]>;
  /** Answers given lately: a version has many files, and its page is made again and again. */
  readonly #answered = new Map<string, readonly OsvMatch[]>();

  constructor(summary: OsvSummary, byPackage: ReadonlyMap<string, readonly OsvAffected[]>) {
    this.summary = summary;
    this.#byPackage = byPackage;
  }

  /** The entries that mean this version, in the order they were read. */
  lookup({ ecosystem, name, version }: Pick<Coordinates, "ecosystem" | "name" | "version">): readonly OsvMatch[] {
    const candidates = this.#byPackage.get(`${ecosystem}\0${name}`);
    if (!candidates) return [];
    const key = `${ecosystem}\0${name}\0${version}`;
    const known = this.#answered.get(key);
    if (known) return known;
    const matches = candidates.filter((affected) => affects(affected, version)).map(({ id, summary }) => ({ id, summary }));
    if (this.#answered.size >= MAX_ANSWERED) this.#answered.clear();
    this.#answered.set(key, matches);
    return matches;
  }

  /** Whether nothing is new in it for longer than that. What it knows still holds. */
  isStale(maxAgeMs: number, now: number): boolean {
    return now - this.summary.newestAt > maxAgeMs;
  }
}

/**
 * Reads a folder of `.json` files, also in folders below, or a zip with them, as OSV databases are published. Files that are no entry are counted, not fatal: a feed has
 * hundreds of thousands. Throws CONFIG_INVALID where it cannot be read, holds more than the limits, or holds no entry at all.
 */
export async function openOsvFeed(
  path: string,
  options: { entries: "malicious" | "all"; now: number; limits?: OsvLimits },
): Promise<OsvFeed> {
  const reader = new FeedReader(options);
  try {
    const info = await stat(path);
    reader.sawTime(info.mtimeMs);
    if (info.isDirectory()) await readFolder(path, reader, 0);
    else await readZip(path, reader);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(`cannot read the OSV feed ${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return reader.finish(path);
}

class FeedReader {
  readonly limits: OsvLimits;
  readonly #wanted: "malicious" | "all";
  readonly #now: number;
  readonly #byPackage = new Map<string, OsvAffected[]>();
  #entries = 0;
  #skipped = 0;
  #malformed = 0;
  #firstMalformed: string | undefined;
  #newestAt = 0;
  #files = 0;
  #bytes = 0;

  constructor({ entries, now, limits }: { entries: "malicious" | "all"; now: number; limits?: OsvLimits }) {
    this.#wanted = entries;
    this.#now = now;
    this.limits = limits ?? OSV_LIMITS;
  }

  /** A time from tomorrow on is a wrong clock or a lie, and would keep the feed from ever being stale. */
  sawTime(time: number | undefined): void {
    if (time !== undefined && time < this.#now + DAY_MS) this.#newestAt = Math.max(this.#newestAt, time);
  }

  sawFile(): void {
    if (++this.#files > this.limits.files) throw invalid(`the OSV feed has more than ${this.limits.files} files`);
  }

  /** `body` is undefined for an entry past `entryBytes`. */
  add(name: string, body: Buffer | undefined): void {
    this.#bytes += body?.length ?? 0;
    if (this.#bytes > this.limits.totalBytes) throw invalid(`the OSV feed has more than ${this.limits.totalBytes} bytes`);
    const entry = body && readEntry(name, body);
    if (!entry) {
      this.#malformed++;
      this.#firstMalformed ??= name;
      return;
    }
    this.sawTime(entry.modifiedAt);
    if (entry.affected.length === 0 || (this.#wanted === "malicious" && !entry.isMalicious)) {
      this.#skipped++;
      return;
    }
    this.#entries++;
    for (const affected of entry.affected) {
      const key = `${affected.ecosystem}\0${affected.name}`;
      const known = this.#byPackage.get(key);
      if (known) known.push(affected);
      else this.#byPackage.set(key, [affected]);
    }
  }

  finish(path: string): OsvFeed {
    if (this.#entries + this.#skipped === 0) {
      const why = this.#firstMalformed === undefined ? "it has no .json files" : `${this.#firstMalformed} is none`;
      throw invalid(`the OSV feed ${path} has no OSV entry: ${why}`);
    }
    const summary: OsvSummary = {
      entries: this.#entries,
      skipped: this.#skipped,
      malformed: this.#malformed,
      firstMalformed: this.#firstMalformed,
      packages: this.#byPackage.size,
      newestAt: this.#newestAt,
    };
    return new OsvFeed(summary, this.#byPackage);
  }
}

function readEntry(name: string, body: Buffer) {
  try {
    return parseOsvEntry(parseJson(body, { maxDepth: MAX_JSON_DEPTH, source: name }));
  } catch {
    return undefined;
  }
}

async function readFolder(path: string, reader: FeedReader, depth: number): Promise<void> {
  for await (const item of await opendir(path)) {
    const inner = join(path, item.name);
    // Links are not followed: a feed is data from outside, and its files stand in its own folder.
    if (item.isDirectory() && depth < MAX_FOLDER_DEPTH) await readFolder(inner, reader, depth + 1);
    if (!item.isFile()) continue;
    reader.sawFile();
    if (item.name.endsWith(".json")) await readFile(inner, reader);
  }
}

async function readFile(path: string, reader: FeedReader): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mtimeMs } = await handle.stat();
    reader.sawTime(mtimeMs);
    reader.add(path, size <= reader.limits.entryBytes ? await handle.readFile() : undefined);
  } finally {
    await handle.close();
  }
}

async function readZip(path: string, reader: FeedReader): Promise<void> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: true, validateEntrySizes: true });
  try {
    for await (const entry of zip.eachEntry()) {
      reader.sawFile();
      if (!entry.fileName.endsWith(".json")) continue;
      const fits = entry.uncompressedSize <= reader.limits.entryBytes && !entry.isEncrypted();
      reader.add(entry.fileName, fits ? await unpack(zip, entry) : undefined);
    }
  } finally {
    zip.close();
  }
}

/** yauzl ends a stream that unpacks to more than the entry says, so this holds no more than that. */
async function unpack(zip: Awaited<ReturnType<typeof openPromise>>, entry: Entry): Promise<Buffer | undefined> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}

function invalid(message: string, cause?: unknown): AssayError {
  return new AssayError("CONFIG_INVALID", message, { help: "check the path under `deny` in the policy, and fetch the feed anew", cause });
}
