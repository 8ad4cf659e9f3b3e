import type { Config } from "../app/config.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import { inOrder } from "../core/in-order.ts";
import type { LockEntry, LockedArtifact, LockFile, UncoveredEntry } from "../core/lock-file.ts";
import { shown } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import type { Locks } from "../mirror/locks/locks.ts";
import type { Rechecker } from "../mirror/recheck.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { worseExit } from "./print-reports.ts";
import { type LockManifestFlags, problemLines, readLock } from "./read-locks.ts";
import { exitOfRow, failedRow, ROW_HEADING, rowJson, rowOf, rowText, summaryOf, summaryText, type VerifyRow } from "./verify-rows.ts";
import { withAssay } from "./with-assay.ts";

export interface LockCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

export interface LockFlags extends LockManifestFlags {
  readonly lock: string;
  readonly repository?: string;
  readonly json?: true;
}

/** Archives looked at at once: enough to keep the disk and an upstream busy. How many are fetched is limited elsewhere. */
const AT_ONCE = 8;

/**
 * `assay verify --lock FILE`: everything that a lock names, by the road where it is not held, read back from disk, compared with what the lock pins, and judged by the policy
 * of now. Never writes the lock. With `--frozen` (AAM specification 13.4, 14.4) a lock that is stale ends it before anything is asked for, and one that names what
 * no mirror can speak for is not verified. All entries are looked at, so that one run tells every mismatch. Answers 0; 2 where something is refused or is not what is pinned; else what
 * failed. Throws USAGE, NOT_FOUND for files that cannot be read, BAD_REQUEST for a lock that is none, or is stale.
 */
export async function verifyLock({ config, env, print }: LockCommand, flags: LockFlags): Promise<number> {
  const { lock: path, frozen = false, repository } = flags;
  const lock = await readLock(path, config, flags);
  if (frozen) refuseStale(path, lock);
  return withAssay(config, env, async ({ rechecker, locks }) => {
    const rows: LockRow[] = [];
    let exit = EXIT_DONE;
    if (!flags.json) print(startText(path, lock));
    for await (const several of inOrder(lock.entries, AT_ONCE, (entry) => rowsOf(entry, { rechecker, locks, repository }))) {
      for (const row of several) {
        rows.push(row);
        exit = worseExit(exit, exitOfRow(row.row, frozen ? exitCode("BAD_REQUEST") : EXIT_DONE));
        if (!flags.json) print(rowText(row.row));
      }
    }
    print(flags.json ? lockJson({ path, frozen, lock }, rows) : summaryText(rows.map(({ row }) => row)));
    return exit;
  });
}

function refuseStale(path: string, { stale }: LockFile): void {
  if (stale.length === 0) return;
  throw new AssayError("BAD_REQUEST", `${shown(path)} is stale\n${problemLines(stale)}`, {
    help: "make the lock anew and look at what changes; it is never rewritten here",
  });
}

/** What came of an archive, of an entry that no archive could be told of, or of one that is not covered. */
interface LockRow {
  readonly entry: LockEntry;
  readonly row: VerifyRow;
}

interface LockMachinery {
  readonly rechecker: Rechecker;
  readonly locks: Locks;
  readonly repository: string | undefined;
}

/** One row for each archive that the entry means, and one for each of its digests that is no archive's. */
async function rowsOf(entry: LockEntry, machinery: LockMachinery): Promise<readonly LockRow[]> {
  const { locks, repository } = machinery;
  try {
    const { artifacts, uncovered } = await locks.filesOf(entry, repository);
    const checked = await Promise.all(artifacts.map((artifact) => checkedRow(artifact, machinery)));
    return [...checked, ...uncovered.map(uncoveredRow)];
  } catch (error) {
    if (!(error instanceof AssayError) || entry.kind === "uncovered") throw error;
    return [{ entry, row: failedRow(formatPurl(entry), error) }];
  }
}

async function checkedRow(artifact: LockedArtifact, { rechecker, repository }: LockMachinery): Promise<LockRow> {
  const asker: Asker = { kind: "command", command: "verify" };
  return { entry: artifact, row: await rowOf(formatPurl(artifact), () => rechecker.locked(artifact, asker, repository)) };
}

function uncoveredRow(entry: UncoveredEntry): LockRow {
  const { name, source, reason } = entry;
  return { entry, row: { name, outcome: { kind: "uncovered", source, reason } } };
}

/** Of a lock that is not frozen, what makes it stale is only told. */
function startText(path: string, { format, stale, notes }: LockFile): string {
  const lines = [...stale.map(({ text }) => `stale: ${text}`), ...notes.map(({ text }) => `note: ${text}`)];
  return `${shown(path)}: ${format}\n${lines.map((line) => `  ${shown(line)}\n`).join("")}\n${ROW_HEADING}`;
}

/** One JSON document. Its keys are documented in the README and always there. */
function lockJson(
  { path, frozen, lock }: { readonly path: string; readonly frozen: boolean; readonly lock: LockFile },
  rows: readonly LockRow[],
): string {
  const entries = rows.map(({ entry, row }) => ({ at: entry.at, ...rowJson(row), pins: pinsOf(entry) }));
  const { format, stale, notes } = lock;
  return `${JSON.stringify({ lock: path, format, frozen, stale, notes, entries, summary: summaryOf(rows.map(({ row }) => row)) }, null, 2)}\n`;
}

function pinsOf(entry: LockEntry): readonly { readonly algorithm: string; readonly hex: string }[] {
  if (entry.kind === "uncovered") return [];
  return (entry.kind === "version" ? entry.anyOf : entry.pins).map(({ algorithm, hex }) => ({ algorithm, hex }));
}
