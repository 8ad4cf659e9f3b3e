import type { Config } from "../app/config.ts";
import { AssayError } from "../core/errors.ts";
import type { LockFile } from "../core/lock-file.ts";
import type { CacheRecords, Pin } from "../core/ports/cache-records.ts";
import { printable } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import { parsePurlPattern } from "../policy/purl-pattern.ts";
import { withCacheRecords } from "../store/open-store.ts";
import { EXIT_DONE } from "./exit.ts";
import { readLocks } from "./read-locks.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";

interface PinCommand {
  readonly config: Pick<Config, "dataDir" | "cache" | "limits">;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/**
 * `assay pin PATTERN…`, and with locks every version that they name: a running mirror knows the pins at once. Throws USAGE for a pattern that is none, and what reading locks throws;
 * nothing is pinned then.
 */
export async function pinPackages(command: PinCommand, patterns: readonly string[], lockPaths: readonly string[]): Promise<number> {
  const { config, now, json, print } = command;
  const locked = (await readLocks(lockPaths, config)).flatMap(({ path, lock }) =>
    versionsIn(lock).map((pattern): Pin => ({ pattern, source: path, pinnedAt: now })),
  );
  const pins = [...patterns.map((pattern): Pin => ({ pattern, pinnedAt: now })), ...locked];
  for (const { pattern } of pins) requirePattern(pattern);
  const added = await withRecords(command, (records) => records.addPins(pins));
  print(json ? toJson({ added }) : `${added} added, ${pins.length - added} pinned before\n`);
  return EXIT_DONE;
}

/** All files of a version: which of them a machine takes is not for the lock alone to say. */
function versionsIn({ entries }: LockFile): readonly string[] {
  const covered = entries.filter((entry) => entry.kind !== "uncovered");
  return [...new Set(covered.map((entry) => formatPurl({ ...entry, file: "" }).split("?", 1)[0] ?? ""))];
}

/** `assay pin --list`: those of the configuration, too, which only the configuration can take out. */
export async function listPins(command: PinCommand): Promise<number> {
  const { config, json, print } = command;
  const added = await withRecords(command, (records) => records.pins());
  const pins = [
    ...config.cache.pins.map(({ text }) => ({ pattern: text, source: "the configuration", pinnedAt: null })),
    ...added.map(({ pattern, source, pinnedAt }) => ({
      pattern,
      source: source ?? "assay pin",
      pinnedAt: new Date(pinnedAt).toISOString(),
    })),
  ];
  if (json) print(toJson({ pins }));
  else if (pins.length > 0)
    print(`${table(pins.map(({ pattern, source, pinnedAt }) => [pattern, source, pinnedAt ?? ""].map(printable))).join("\n")}\n`);
  return EXIT_DONE;
}

/** `assay pin --remove PATTERN…`. Throws NOT_FOUND for one that is not pinned, after it has taken out the others; USAGE for none. */
export async function unpinPackages(command: PinCommand, patterns: readonly string[]): Promise<number> {
  if (patterns.length === 0) throw new AssayError("USAGE", "expected the pins to take out", { help: "`assay pin --list` shows them" });
  const unknown = await withRecords(command, async (records) => {
    const absent: string[] = [];
    for (const pattern of patterns) if (!(await records.removePin(pattern))) absent.push(pattern);
    return absent;
  });
  const [first] = unknown;
  if (first !== undefined) {
    throw new AssayError("NOT_FOUND", `${quote(first)} is not pinned${unknown.length > 1 ? `, nor are ${unknown.length - 1} more` : ""}`, {
      help: "`assay pin --list` shows what is; pins of the configuration are taken out there",
    });
  }
  command.print(command.json ? toJson({ removed: patterns.length }) : `${patterns.length} removed\n`);
  return EXIT_DONE;
}

function requirePattern(text: string): void {
  const parsed = parsePurlPattern(text);
  if (!parsed.ok) throw new AssayError("USAGE", `expected ${parsed.expected}, got ${quote(text)}`);
}

function withRecords<T>({ config: { dataDir } }: PinCommand, work: (records: CacheRecords) => Promise<T>): Promise<T> {
  return withCacheRecords({ dataDir, clock: { now: Date.now } }, work);
}
