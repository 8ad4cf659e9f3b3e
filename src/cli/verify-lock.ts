import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Config } from "../app/config.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import type { LockEntry, LockedArtifact, LockFile, LockManifest, LockProblem, LockReader } from "../core/lock-file.ts";
import { shown } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import { LOCK_READERS } from "../ecosystems/lock-readers.ts";
import type { Rechecked, Rechecker } from "../mirror/recheck.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { worseExit } from "./print-reports.ts";
import { readBounded } from "./read-bounded.ts";
import { exitOfRow, ROW_HEADING, rowJson, rowOf, rowText, summaryOf, summaryText, type VerifyRow } from "./verify-rows.ts";
import { withAssay } from "./with-assay.ts";

export interface LockCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

export interface LockFlags {
  readonly lock: string;
  readonly frozen?: true;
  readonly manifest?: string;
  readonly repository?: string;
  readonly json?: true;
}

/** Archives looked at at once: enough to keep the disk and an upstream busy. How many are fetched is limited elsewhere. */
const AT_ONCE = 8;
/** Problems that anybody reads. */
const MOST_PROBLEMS = 20;

/**
 * `assay verify --lock FILE`: everything that a lock names, by the road where it is not held, read back from disk, compared with what the lock pins, and judged by the policy
 * of now. Never writes the lock. With `--frozen` (AAM specification 13.4, 14.4) a lock that is stale ends it before anything is asked for, and one that names what
 * no mirror can speak for is not verified. All entries are looked at, so that one run tells every mismatch. Answers 0; 2 where something is refused or is not what is pinned; else what
 * failed. Throws USAGE, NOT_FOUND for files that cannot be read, BAD_REQUEST for a lock that is none, or is stale.
 */
export async function verifyLock({ config, env, print }: LockCommand, flags: LockFlags): Promise<number> {
  const { lock: path, frozen = false, repository } = flags;
  const reader = readerOf(path);
  const lock = readLock(
    reader,
    path,
    await readBounded(path, config.limits.sidecarBytes),
    await readManifest(reader, flags, config),
    config,
  );
  if (frozen) refuseStale(path, lock);
  return withAssay(config, env, async ({ rechecker }) => {
    const rows: (readonly [LockEntry, VerifyRow])[] = [];
    let exit = EXIT_DONE;
    if (!flags.json) print(startText(path, lock));
    for await (const [entry, row] of checked(lock.entries, { rechecker, repository })) {
      rows.push([entry, row]);
      exit = worseExit(exit, exitOfRow(row, frozen ? exitCode("BAD_REQUEST") : EXIT_DONE));
      if (!flags.json) print(rowText(row));
    }
    print(flags.json ? lockJson({ path, frozen, lock }, rows) : summaryText(rows.map(([, row]) => row)));
    return exit;
  });
}

function readerOf(path: string): LockReader {
  const name = basename(path);
  const reader = LOCK_READERS.find(({ fileName }) => name === fileName);
  if (reader) return reader;
  throw new AssayError("USAGE", `expected a lock file that Assay reads, got one called ${shown(name)}`, {
    help: `lock files are told apart by their names: ${LOCK_READERS.map(({ fileName }) => fileName).join(", ")}`,
  });
}

/** The manifest that was named, else the first beside the lock. Only a frozen run cannot do without. */
async function readManifest(
  { manifestNames, fileName }: LockReader,
  flags: LockFlags,
  { limits }: Config,
): Promise<LockManifest | undefined> {
  const { lock, manifest, frozen = false } = flags;
  const read = async (path: string): Promise<LockManifest> => ({
    name: basename(path),
    body: await readBounded(path, limits.sidecarBytes),
  });
  const [expected] = manifestNames;
  if (expected === undefined && manifest !== undefined)
    throw new AssayError("USAGE", `${fileName} is made from no manifest, so --manifest says nothing about it`);
  if (manifest !== undefined) return read(manifest);
  for (const name of manifestNames) {
    const path = join(dirname(lock), name);
    if (await isThere(path)) return read(path);
  }
  if (expected === undefined || !frozen) return undefined;
  throw new AssayError("NOT_FOUND", `there is no ${expected} beside ${shown(lock)}`, {
    help: "name the manifest that the lock was made from with --manifest",
  });
}

/** Whether there is anything by that name. What is there and cannot be read is an error, and not as good as nothing. */
function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}

function readLock(reader: LockReader, path: string, body: Buffer, manifest: LockManifest | undefined, { limits }: Config): LockFile {
  const reading = reader.read(body, manifest, limits);
  if (reading.ok) return reading.lock;
  throw new AssayError("BAD_REQUEST", `${shown(path)} cannot be used as a lock\n${problemLines(reading.problems)}`);
}

function refuseStale(path: string, { stale }: LockFile): void {
  if (stale.length === 0) return;
  throw new AssayError("BAD_REQUEST", `${shown(path)} is stale\n${problemLines(stale)}`, {
    help: "make the lock anew and look at what changes; it is never rewritten here",
  });
}

function problemLines(problems: readonly LockProblem[]): string {
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ text }) => `  ${shown(text)}`);
  return [...lines, ...(problems.length > MOST_PROBLEMS ? [`  and ${problems.length - MOST_PROBLEMS} more`] : [])].join("\n");
}

/** What comes of each entry, in the order of the lock, several at once. */
async function* checked(
  entries: readonly LockEntry[],
  { rechecker, repository }: { readonly rechecker: Rechecker; readonly repository: string | undefined },
): AsyncGenerator<readonly [LockEntry, VerifyRow]> {
  const asker: Asker = { kind: "command", command: "verify" };
  const running: Promise<readonly [LockEntry, VerifyRow]>[] = [];
  for (const entry of entries) {
    const row = check(entry, (artifact) => rechecker.locked(artifact, asker, repository)).then((row) => [entry, row] as const);
    row.catch(() => {}); // Awaited in its turn; until then a failure must not go unheard.
    running.push(row);
    const oldest = running.length < AT_ONCE ? undefined : running.shift();
    if (oldest) yield await oldest;
  }
  for (const row of running) yield await row;
}

async function check(entry: LockEntry, recheck: (artifact: LockedArtifact) => Promise<Rechecked>): Promise<VerifyRow> {
  if (entry.kind === "artifact") return rowOf(formatPurl(entry), () => recheck(entry));
  const { name, source, reason } = entry;
  return { name, outcome: { kind: "uncovered", source, reason } };
}

/** Of a lock that is not frozen, what makes it stale is only told. */
function startText(path: string, { format, stale }: LockFile): string {
  return `${shown(path)}: ${format}\n${stale.map(({ text }) => `  stale: ${shown(text)}\n`).join("")}\n${ROW_HEADING}`;
}

/** One JSON document. Its keys are documented in the README and always there. */
function lockJson(
  { path, frozen, lock }: { readonly path: string; readonly frozen: boolean; readonly lock: LockFile },
  rows: readonly (readonly [LockEntry, VerifyRow])[],
): string {
  const entries = rows.map(([entry, row]) => {
    const pins = entry.kind === "artifact" ? entry.pins.map(({ algorithm, hex }) => ({ algorithm, hex })) : [];
    return { at: entry.at, ...rowJson(row), pins };
  });
  const { format, stale } = lock;
  return `${JSON.stringify({ lock: path, format, frozen, stale, entries, summary: summaryOf(rows.map(([, row]) => row)) }, null, 2)}\n`;
}
