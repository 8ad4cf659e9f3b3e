import { DECISION_OUTCOMES, type DecisionOutcome, type LoggedDecision } from "../core/decision.ts";
import { parseDuration } from "../core/duration.ts";
import { AssayError } from "../core/errors.ts";
import type { PurlPattern } from "../core/policy.ts";
import type { DecisionFilter } from "../core/ports/index-store.ts";
import { parsePurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import { normalizeName } from "../ecosystems/pypi/project-name.ts";
import { matchPurl, parsePurlPattern } from "../policy/purl-pattern.ts";
import { usage } from "./usage-error.ts";

/** Which entries of the decision log a command is about, as it is typed. */
export interface LogFilterFlags {
  readonly purl?: string;
  readonly outcome?: string;
  readonly repository?: string;
  readonly since?: string;
  readonly until?: string;
}

/** What the index can look for, and what is then left to be looked at one by one. */
export interface LogFilter {
  readonly indexed: Omit<DecisionFilter, "from" | "limit">;
  readonly isMeant: (decision: LoggedDecision) => boolean;
}

/** `now` in milliseconds since the epoch. Throws USAGE for flags that say nothing, BAD_REQUEST for a purl that is none. */
export function parseLogFilter({ purl, outcome, repository, since, until }: LogFilterFlags, now: number): LogFilter {
  const pattern = purl?.includes("*") ? patternOf(purl) : undefined;
  return {
    indexed: {
      ...(purl === undefined || pattern ? {} : { package: packageOf(purl) }),
      ...(outcome === undefined ? {} : { outcome: outcomeOf(outcome) }),
      ...(repository === undefined ? {} : { repository }),
      ...(since === undefined ? {} : { since: parseTime("--since", since, now) }),
      ...(until === undefined ? {} : { until: parseTime("--until", until, now) }),
    },
    isMeant: ({ entry }) => pattern === undefined || isMeantBy(pattern, entry.purl),
  };
}

/** A time, or how long before `now`, both in milliseconds since the epoch. Throws USAGE. */
export function parseTime(flag: string, text: string, now: number): number {
  const agoMs = parseDuration(text);
  const time = agoMs === undefined && /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : now - (agoMs ?? Number.NaN);
  if (!Number.isNaN(time)) return time;
  throw usage(`${flag}: expected a time such as 2026-11-23T08:00Z or how long ago, such as 2h or 7d, got ${quote(text)}`);
}

function packageOf(purl: string): NonNullable<DecisionFilter["package"]> {
  const wanted = parsePurl(purl);
  return wanted.ecosystem === "pypi" ? { ...wanted, name: normalizeName(wanted.name) } : wanted;
}

function patternOf(text: string): PurlPattern {
  const pattern = parsePurlPattern(text);
  if (pattern.ok) return pattern.value;
  throw new AssayError("BAD_REQUEST", `--purl: expected ${pattern.expected}, got ${quote(text)}`);
}

function isMeantBy(pattern: PurlPattern, purl: string): boolean {
  const { version = "", ...coordinates } = parsePurl(purl);
  return matchPurl(pattern, { ...coordinates, version });
}

function outcomeOf(text: string): DecisionOutcome {
  const outcome = DECISION_OUTCOMES.find((known) => known === text);
  if (!outcome) throw usage(`--outcome: expected one of ${DECISION_OUTCOMES.join(", ")}, got ${quote(text)}`);
  return outcome;
}
