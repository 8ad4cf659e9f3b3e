import type { EcosystemId } from "../artifact.ts";
import type { ReasonCode } from "../verdict.ts";
import type { Counter } from "./index-store.ts";

/** Requests to one upstream: how many came to nothing, and, of those that were answered, how long they took. */
export interface UpstreamAnswers {
  readonly upstream: string;
  readonly failed: number;
  /** Milliseconds of the slowest. */
  readonly maxMs: number;
  /** How many took how long, by `latencyBucket`. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** How often a package was refused with this as the first reason. Askers who were told again and again count each time. */
export interface RefusedPackage {
  readonly repository: string;
  readonly ecosystem: EcosystemId;
  readonly name: string;
  readonly code: ReasonCode;
  readonly times: number;
}

/** What a mirror did over some time. */
export interface Activity {
  /** By repository. */
  readonly counters: ReadonlyMap<string, Readonly<Record<Counter, number>>>;
  readonly upstreams: readonly UpstreamAnswers[];
}

/** Days that are kept apart; what is older is only in the sums. */
export const ACTIVITY_DAYS = 400;
export const DAY_MS = 86_400_000;

/** Each bucket reaches a quarter further than the one before, so a quantile is told as at most a quarter too much. */
const STEP = 1.25;
const LAST_BUCKET = 64;

/** 0 for up to a millisecond; the last one is for all that takes longer than some 25 minutes. */
export function latencyBucket(milliseconds: number): number {
  return Math.min(LAST_BUCKET, Math.max(0, Math.ceil(Math.log(milliseconds) / Math.log(STEP))));
}

/** The time within which this share of the answers came, in milliseconds; undefined where there were none. */
export function latencyQuantile({ buckets, maxMs }: Pick<UpstreamAnswers, "buckets" | "maxMs">, share: number): number | undefined {
  const ordered = [...buckets].toSorted(([one], [other]) => one - other);
  const wanted = share * ordered.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of ordered) {
    seen += count;
    if (seen >= wanted) return Math.min(maxMs, STEP ** bucket);
  }
  return undefined;
}
