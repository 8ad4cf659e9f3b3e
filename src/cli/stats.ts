import type { Config } from "../app/config.ts";
import { type Activity, DAY_MS, latencyQuantile, type RefusedPackage, type UpstreamAnswers } from "../core/ports/activity.ts";
import { type Counter, nothingCounted } from "../core/ports/index-store.ts";
import { openExistingIndex } from "../store/open-store.ts";
import { EXIT_DONE } from "./exit.ts";
import { parseTime } from "./log-filter.ts";
import { parseCount } from "./parse-count.ts";
import { statsText } from "./stats-text.ts";
import { toJson } from "./to-json.ts";
import { usage } from "./usage-error.ts";

export interface StatsFlags {
  readonly since?: string;
  readonly repository?: string;
  readonly top?: string;
  readonly json?: true;
}

interface StatsCommand {
  readonly config: Pick<Config, "dataDir">;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly print: (text: string) => void;
}

type Counts = Readonly<Record<Counter, number>>;

/** What one repository, or all together, did. Bytes are those of bodies. */
export interface Traffic {
  /** Archives from the store, and from an upstream. */
  readonly served: number;
  readonly fetched: number;
  /** Share of archives that needed no upstream, 0 to 1; null where none was asked for. */
  readonly hitRatio: number | null;
  readonly refused: number;
  readonly documentsServed: number;
  readonly documentsFetched: number;
  readonly bytesServed: number;
  readonly bytesFetched: number;
  /** What upstreams were not asked for. */
  readonly requestsSaved: number;
  readonly bytesSaved: number;
}

export interface UpstreamReport {
  readonly upstream: string;
  readonly answered: number;
  readonly failed: number;
  /** Null where nothing was answered. `p50` and `p99` are told up to a quarter too high. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** `assay stats --json`. */
export interface StatsReport {
  /** The day, in UTC, from which on things are counted; null for all there is. */
  readonly since: string | null;
  readonly repositories: readonly ({ readonly repository: string } & Traffic)[];
  readonly total: Traffic;
  /** Slowest first. Of all repositories. */
  readonly upstreams: readonly UpstreamReport[];
  /** Most frequent first. */
  readonly refused: readonly RefusedPackage[];
}

const DEFAULT_TOP = 10;
const MAX_TOP = 1000;

/**
 * `assay stats`: what was served, fetched and saved, how upstreams answered, and what was refused most, also while a mirror runs (which writes what it counts every few seconds). Throws USAGE,
 * NOT_FOUND where there is no data folder.
 */
export async function showStats({ config, now, print }: StatsCommand, flags: StatsFlags): Promise<number> {
  const since = flags.since === undefined ? undefined : Math.floor(parseTime("--since", flags.since, now) / DAY_MS) * DAY_MS;
  const top = flags.top === undefined ? DEFAULT_TOP : parseCount("--top", flags.top);
  if (top > MAX_TOP) throw usage(`--top: expected at most ${MAX_TOP}, got ${top}`);
  const { repository } = flags;
  const only = repository === undefined ? {} : { repository };
  const index = await openExistingIndex({ dataDir: config.dataDir, clock: { now: () => now } });
  try {
    const activity = await index.activity(since ?? 0);
    // Sums go further back than days.
    const counters = since === undefined ? await index.counters() : activity.counters;
    const refused = await index.refusedPackages({ since: since ?? 0, limit: top, ...only });
    const report = reportOf({ ...activity, counters: ofRepository(counters, repository) }, { since, refused, top });
    print(flags.json ? toJson(report) : statsText(report));
  } finally {
    await index.close();
  }
  return EXIT_DONE;
}

function ofRepository(counters: Activity["counters"], repository: string | undefined): Activity["counters"] {
  return repository === undefined ? counters : new Map([[repository, counters.get(repository) ?? nothingCounted()]]);
}

function reportOf(
  { counters, upstreams }: Activity,
  { since, refused, top }: { readonly since: number | undefined; readonly refused: readonly RefusedPackage[]; readonly top: number },
): StatsReport {
  const sum = nothingCounted();
  for (const counts of counters.values()) for (const [counter, value] of Object.entries(counts)) sum[counter as Counter] += value;
  return {
    since: since === undefined ? null : new Date(since).toISOString().slice(0, "2026-11-23".length),
    repositories: [...counters].map(([repository, counts]) => ({ repository, ...trafficOf(counts) })),
    total: trafficOf(sum),
    upstreams: upstreams
      .map(upstreamReport)
      .toSorted((one, other) => (other.p99Ms ?? 0) - (one.p99Ms ?? 0))
      .slice(0, top),
    refused,
  };
}

function trafficOf(counts: Counts): Traffic {
  const archives = counts.hits + counts.misses;
  return {
    served: counts.hits,
    fetched: counts.misses,
    hitRatio: archives === 0 ? null : counts.hits / archives,
    refused: counts.refusals,
    documentsServed: counts.documents_served,
    documentsFetched: counts.documents_fetched,
    bytesServed: counts.bytes_served,
    bytesFetched: counts.bytes_fetched,
    requestsSaved: counts.hits + Math.max(0, counts.documents_served - counts.documents_fetched),
    bytesSaved: Math.max(0, counts.bytes_served - counts.bytes_fetched),
  };
}

function upstreamReport(answers: UpstreamAnswers): UpstreamReport {
  const answered = [...answers.buckets.values()].reduce((sum, count) => sum + count, 0);
  return {
    upstream: answers.upstream,
    answered,
    failed: answers.failed,
    p50Ms: latencyQuantile(answers, 0.5) ?? null,
    p99Ms: latencyQuantile(answers, 0.99) ?? null,
    maxMs: answered === 0 ? null : answers.maxMs,
  };
}
