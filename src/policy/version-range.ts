import type { EcosystemId } from "../core/artifact.ts";
import { expected, type Parsed, parsed } from "../core/parsed.ts";
import { COMPARATORS, type VersionConstraint, type VersionRange } from "../core/policy.ts";
import { didYouMean } from "../core/problems.ts";
import { compareVersions, completeVersion } from "./compare-versions.ts";

export const MAX_RANGE_CHARACTERS = 4096;
export const MAX_CONSTRAINTS = 128;

/** Versioning schemes by the ecosystem whose order they have. AAM has no registered scheme; its versions are SemVer. */
const SCHEMES: ReadonlyMap<string, readonly EcosystemId[]> = new Map([
  ["npm", ["npm"]],
  ["pypi", ["pypi"]],
  ["aam", ["aam"]],
  ["semver", ["npm", "aam"]],
]);

/** Longest first, so that `<=` is not read as `<` and a version that starts with `=`. */
const LONGEST_FIRST = COMPARATORS.toSorted((left, right) => right.length - left.length);

/**
 * Reads `vers:npm/>=1.0.0|<2`, `vers:pypi/1.0|1.1`, `vers:npm/*` for a package of `ecosystem`. Constraints may stand in any order, but no version
 * twice, and lower and upper bounds must take turns: what else one could write has no one meaning. https://github.com/package-url/vers-spec
 */
export function parseVersionRange(text: string, ecosystem: EcosystemId): Parsed<VersionRange> {
  if (text.length > MAX_RANGE_CHARACTERS) return expected(`a version range of at most ${MAX_RANGE_CHARACTERS} characters`);
  const slash = text.indexOf("/");
  if (!text.startsWith("vers:") || slash < 0)
    return expected(`a version range such as vers:${ecosystem}/>=1.0.0|<2.0.0 or vers:${ecosystem}/*`);
  const scheme = text.slice("vers:".length, slash);
  if (!SCHEMES.get(scheme)?.includes(ecosystem)) {
    const fitting = [...SCHEMES].filter(([, ecosystems]) => ecosystems.includes(ecosystem)).map(([name]) => name);
    return expected(`a version range for ${ecosystem}: vers:${fitting.join("/ or vers:")}/${didYouMean(scheme, fitting)}`);
  }
  // The specification has readers drop white space wherever it stands.
  const body = text.slice(slash + 1).replace(/\s+/g, "");
  if (body === "*") return parsed({ text, ecosystem, constraints: "*" });
  const parts = body.split("|");
  if (parts.length > MAX_CONSTRAINTS) return expected(`a version range of at most ${MAX_CONSTRAINTS} constraints`);
  const constraints: VersionConstraint[] = [];
  for (const part of parts) {
    const constraint = parseConstraint(part, ecosystem);
    if (!constraint.ok) return constraint;
    constraints.push(constraint.value);
  }
  constraints.sort((left, right) => compareVersions(ecosystem, left.version, right.version) ?? 0);
  const problem = orderProblem(constraints, ecosystem);
  return problem === undefined ? parsed({ text, ecosystem, constraints }) : expected(problem);
}

/** Whether the version is in the range. `incomparable` where it is no version of its ecosystem and the range does not name it: nobody can tell. */
export function inRange(range: VersionRange, version: string): "inside" | "outside" | "incomparable" {
  const { constraints, ecosystem } = range;
  if (constraints === "*") return "inside";
  const orders = constraints.map((constraint) => compareVersions(ecosystem, version, constraint.version));
  const same = constraints[orders.indexOf(0)]?.comparator;
  if (same !== undefined) return same.includes("=") && same !== "!=" ? "inside" : "outside";
  if (orders.includes(undefined)) return "incomparable";

  const bounds = constraints.map(({ comparator }) => (comparator === "=" || comparator === "!=" ? undefined : comparator));
  // Only exclusions: everything else is meant.
  if (bounds.every((bound) => bound === undefined))
    return constraints.every(({ comparator }) => comparator === "!=") ? "inside" : "outside";
  const above = bounds.find((bound, position) => bound !== undefined && (orders[position] ?? 0) < 0);
  const below = bounds.findLast((bound, position) => bound !== undefined && (orders[position] ?? 0) > 0);
  // Bounds take turns, so whichever neighbour there is tells: an upper bound above, or a lower bound below.
  return (above ? above.startsWith("<") : below?.startsWith(">")) ? "inside" : "outside";
}

function parseConstraint(part: string, ecosystem: EcosystemId): Parsed<VersionConstraint> {
  const comparator = LONGEST_FIRST.find((sign) => part.startsWith(sign));
  const written = part.slice(comparator?.length ?? 0);
  if (written === "*") return expected("* only by itself: vers:…/*");
  let version: string | undefined;
  try {
    version = completeVersion(ecosystem, decodeURIComponent(written));
  } catch {
    version = undefined;
  }
  if (version === undefined) {
    const grammar = ecosystem === "pypi" ? "PEP 440" : "SemVer";
    return expected(
      `a ${grammar} version after each of ${COMPARATORS.join(" ")} (it may follow without =), not ${JSON.stringify(part.slice(0, 40))}`,
    );
  }
  return parsed({ comparator: comparator ?? "=", version });
}

function orderProblem(constraints: readonly VersionConstraint[], ecosystem: EcosystemId): string | undefined {
  for (const [position, { version }] of constraints.entries()) {
    const previous = constraints[position - 1];
    if (previous && compareVersions(ecosystem, previous.version, version) === 0) return `each version once, not ${version} twice`;
  }
  const bounds = constraints.filter(({ comparator }) => /[<>]/.test(comparator));
  for (const [position, { comparator, version }] of bounds.entries()) {
    const previous = bounds[position - 1];
    if (previous && previous.comparator[0] === comparator[0]) {
      return `lower and upper bounds in turn, not ${previous.comparator}${previous.version} and then ${comparator}${version}`;
    }
  }
  return undefined;
}
