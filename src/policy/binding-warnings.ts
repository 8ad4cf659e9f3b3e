import type { EcosystemId } from "../core/artifact.ts";
import type { PurlPattern } from "../core/policy.ts";
import { formatPath, type Path } from "../core/problems.ts";
import { asList, asTree, type WrittenDocument } from "../core/schema.ts";
import type { PolicyWarning } from "./policy-warning.ts";
import { parsePurlPattern, purlCovers } from "./purl-pattern.ts";

/** What a rule may call the upstreams of one repository. */
export interface KnownUpstreams {
  readonly repository: string;
  readonly ecosystem: EcosystemId;
  readonly names: readonly string[];
}

interface WrittenRule {
  readonly position: number;
  readonly upstream: unknown;
  readonly repositories: readonly unknown[];
  /** Undefined for patterns that are none. */
  readonly patterns: readonly (PurlPattern | undefined)[];
}

/** Rules with `upstream` that bind less than their operator may believe. Read from the values as written. */
export function bindingWarnings(written: readonly unknown[], known: readonly KnownUpstreams[], document: WrittenDocument): PolicyWarning[] {
  const warning = (path: Path, code: PolicyWarning["code"], text: string): PolicyWarning => ({
    at: document.locate(path),
    key: formatPath(path),
    code,
    text,
  });
  const rules = written.map(readRule);
  return rules.flatMap((rule) => [...missingUpstream(rule, known, warning), ...takenOut(rule, rules, warning)]);
}

type Warn = (path: Path, code: PolicyWarning["code"], text: string) => PolicyWarning;

function readRule(rule: unknown, position: number): WrittenRule {
  const { upstream, repositories, match } = asTree(rule);
  const patterns = asList(match).map((text) => {
    const parsed = typeof text === "string" ? parsePurlPattern(text) : undefined;
    return parsed?.ok ? parsed.value : undefined;
  });
  return { position, upstream, repositories: asList(repositories), patterns };
}

/** A rule may be for several repositories. In one without the upstream its packages cannot be had at all, which is safe, and seldom what is meant. */
function missingUpstream(
  { position, upstream, repositories, patterns }: WrittenRule,
  known: readonly KnownUpstreams[],
  warning: Warn,
): readonly PolicyWarning[] {
  if (typeof upstream !== "string" || !known.some(({ names }) => names.includes(upstream))) return [];
  const isMeant = ({ repository, ecosystem }: KnownUpstreams): boolean =>
    (repositories.length === 0 || repositories.includes(repository)) && patterns.some((pattern) => pattern?.names[ecosystem]);
  const without = known.filter((each) => isMeant(each) && !each.names.includes(upstream)).map(({ repository }) => repository);
  if (without.length === 0) return [];
  const text = `no upstream of ${without.join(", ")} is called ${upstream}, so nobody is asked for these packages there; name the repositories that are meant`;
  return [warning(["rules", position, "upstream"], "UPSTREAM_MISSING", text)];
}

/** The first rule for a name decides whom to ask, so an earlier one that says nothing of it sets names free that a later one means to bind. */
function takenOut({ position, upstream, patterns }: WrittenRule, rules: readonly WrittenRule[], warning: Warn): readonly PolicyWarning[] {
  if (typeof upstream !== "string") return [];
  return rules.slice(0, position).flatMap((earlier) => {
    if (earlier.upstream !== undefined) return [];
    return earlier.patterns.flatMap((taken, index) => {
      const isForAll = taken !== undefined && taken.version === undefined && taken.file === undefined;
      if (!isForAll || !patterns.some((pattern) => pattern && purlCovers(pattern, taken))) return [];
      const text = `takes ${taken.text} out of what rules[${position}] binds to the upstream ${upstream}: every upstream is asked for it, unless this rule names one too`;
      return [warning(["rules", earlier.position, "match", index], "NAME_SET_FREE", text)];
    });
  });
}
