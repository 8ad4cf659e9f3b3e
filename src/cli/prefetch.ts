import type { Config } from "../app/config.ts";
import { asTheyCome } from "../core/as-they-come.ts";
import { quote } from "../core/quote.ts";
import { leftOutBy } from "../ecosystems/left-out-by.ts";
import { leftOutPages } from "../mirror/locks/left-out-pages.ts";
import type { LeftOutArtifact, LockedArtifacts, WantedArtifact } from "../mirror/locks/locked-artifacts.ts";
import type { Prefetch } from "../mirror/prefetch.ts";
import { lockTarget, type TargetFlags } from "./lock-target.ts";
import {
  endText,
  exitOfPrefetch,
  headText,
  type MissingPage,
  type PrefetchReport,
  type PrefetchRow,
  prefetchJson,
  rowText,
  unusableText,
} from "./prefetch-report.ts";
import { ProgressLine } from "./progress-line.ts";
import { readLocks } from "./read-locks.ts";
import { usage } from "./usage-error.ts";
import { withAssay } from "./with-assay.ts";

export interface PrefetchFlags extends TargetFlags {
  readonly repository?: string;
  readonly jobs?: string;
  readonly json?: true;
}

export interface PrefetchCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
  /** Writes a text to standard error. */
  readonly warn: (text: string) => void;
  /** Whether standard error is a terminal, and how wide it is. */
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  /** Aborted when the command is to end with what it has begun. */
  readonly interrupted: AbortSignal;
}

/** Archives asked for at once. How many the mirror fetches at once is limited besides. */
const DEFAULT_JOBS = 8;

/**
 * `assay prefetch LOCK…`: everything that the locks name, by the road, with what clients ask for beside it, so that `serve --offline` can answer an installation. What is held
 * already is judged by the policy of now and compared with the lock. Answers what `exitOfPrefetch` says. Throws USAGE, NOT_FOUND and BAD_REQUEST for locks that cannot be
 * read, STORE_FULL and STORE_IO.
 */
export async function prefetch(command: PrefetchCommand, paths: readonly string[], flags: PrefetchFlags): Promise<number> {
  const jobs = jobsOf(flags, command.config);
  const target = lockTarget(flags);
  const locks = await readLocks(paths, command.config);
  if (!flags.json) command.print(headText(locks));
  return withAssay(command.config, command.env, async (assay) => {
    const named = await assay.locks.artifacts(locks, {
      repository: flags.repository,
      leftOutBy: (artifact) => leftOutBy(artifact, target),
    });
    if (!flags.json) command.print(named.unusable.map(unusableText).join(""));
    const run: Run = { prefetch: assay.prefetch(), jobs, isJson: flags.json === true };
    const rows = await fetchAll(command, named.artifacts, run);
    const pages = await fetchPages(command, named, run);
    const isInterrupted = command.interrupted.aborted;
    const report: PrefetchReport = { locks, named, rows, pages, isInterrupted };
    command.print(flags.json ? prefetchJson(report) : endText(report));
    return exitOfPrefetch(report);
  });
}

interface Run {
  readonly prefetch: Prefetch;
  readonly jobs: number;
  readonly isJson: boolean;
}

async function fetchAll(
  command: PrefetchCommand,
  artifacts: readonly WantedArtifact[],
  { prefetch: run, jobs, isJson }: Run,
): Promise<readonly PrefetchRow[]> {
  const rows: PrefetchRow[] = [];
  const refused = (): number => rows.filter(({ outcome }) => outcome.kind === "refused").length;
  const line = new ProgressLine(command, () => ({
    done: rows.length,
    total: artifacts.length,
    bytes: run.receivedBytes,
    refused: refused(),
  }));
  try {
    const fetchOne = async (wanted: WantedArtifact): Promise<PrefetchRow> => ({ wanted, outcome: await run.fetch(wanted) });
    for await (const row of asTheyCome(artifacts, jobs, fetchOne, command.interrupted)) {
      rows.push(row);
      const text = isJson ? undefined : rowText(row);
      if (text === undefined) continue;
      line.clear();
      command.print(text);
    }
  } finally {
    line.end();
  }
  return rows;
}

/** The index pages of what was left out that could not be had. */
async function fetchPages(command: PrefetchCommand, named: LockedArtifacts, { prefetch: run, jobs }: Run): Promise<readonly MissingPage[]> {
  const missing: MissingPage[] = [];
  const ask = async ({ repository, ref: { name } }: LeftOutArtifact) => ({ name, error: await run.page(repository, name) });
  for await (const { name, error } of asTheyCome(leftOutPages(named), jobs, ask, command.interrupted))
    if (error) missing.push({ name, error });
  return missing;
}

function jobsOf({ jobs }: PrefetchFlags, { limits: { fetches } }: Config): number {
  if (jobs === undefined) return Math.min(DEFAULT_JOBS, fetches);
  const count = /^[1-9][0-9]{0,4}$/.test(jobs) ? Number(jobs) : 0;
  if (count >= 1 && count <= fetches) return count;
  throw usage(
    `--jobs: expected a number from 1 to ${fetches}, got ${quote(jobs)}`,
    "more can be fetched at once where limits.fetches says so",
  );
}
