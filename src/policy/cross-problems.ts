import type { PurlPattern } from "../core/policy.ts";
import { describe, didYouMean, formatPath, type Path, type Problem } from "../core/problems.ts";
import { asList, asTree, valueAt, type WrittenDocument } from "../core/schema.ts";
import { bindingWarnings, type KnownUpstreams } from "./binding-warnings.ts";
import type { PolicyWarning } from "./policy-warning.ts";
import { parsePurlPattern, purlCovers } from "./purl-pattern.ts";

/** Names from the configuration that a policy may refer to. What is left out is not checked. */
export interface KnownNames {
  readonly repositories?: readonly string[];
  readonly trust?: readonly string[];
  readonly upstreams?: readonly KnownUpstreams[];
}

/** Patterns in all rules together: each is compared with those before it. */
const MAX_RULE_PATTERNS = 2000;

/** What no single key can tell. Read from the values as written, so that it is told together with everything else that is wrong. */
export function crossProblems(document: WrittenDocument, known: KnownNames): { problems: Problem[]; warnings: PolicyWarning[] } {
  const problem = (path: Path, expected: string): Problem => ({
    at: document.locate(path),
    key: formatPath(path),
    expected,
    got: describe(valueAt(document.values, path), path),
  });
  const policy = asTree(document.values);
  const rules = asList(policy["rules"]);
  const shadows = shadowedRules(rules, document);
  return {
    problems: [
      ...unknownSigners(policy, problem),
      ...unknownNames(policy, known, problem),
      ...repeatedRuleNames(rules, problem),
      ...settledTwice(policy, problem),
      ...shadows.problems,
    ],
    warnings: [...shadows.warnings, ...bindingWarnings(rules, known.upstreams ?? [], document)],
  };
}

type MakeProblem = (path: Path, expected: string) => Problem;

function unknownSigners(policy: Readonly<Record<string, unknown>>, problem: MakeProblem): Problem[] {
  const known = Object.keys(asTree(policy["signers"]));
  const places: Path[] = [["defaults"], ...asList(policy["rules"]).map((_, position) => ["rules", position])];
  return places.flatMap((place) =>
    ["any", "all"].flatMap((quantifier) => {
      const path = [...place, "signed_by", quantifier];
      return asList(valueAt(policy, path)).flatMap((signer, position) => {
        if (typeof signer !== "string" || known.includes(signer)) return [];
        const names = known.length === 0 ? "the name of a signer; `signers` has none" : `the name of a signer: ${known.join(", ")}`;
        return [problem([...path, position], `${names}${didYouMean(signer, known)}`)];
      });
    }),
  );
}

function unknownNames(policy: Readonly<Record<string, unknown>>, known: KnownNames, problem: MakeProblem): Problem[] {
  const check = (path: Path, names: readonly string[] | undefined): Problem[] => {
    const name = valueAt(policy, path);
    if (!names || typeof name !== "string" || names.includes(name)) return [];
    return [problem(path, `one of ${names.join(", ")}${didYouMean(name, names)}`)];
  };
  const upstreams = known.upstreams && [...new Set(known.upstreams.flatMap(({ names }) => names))];
  const inRules = asList(policy["rules"]).flatMap((rule, position) => [
    ...check(["rules", position, "upstream"], upstreams),
    ...asList(asTree(rule)["repositories"]).flatMap((_, index) => check(["rules", position, "repositories", index], known.repositories)),
  ]);
  const signers = Object.keys(asTree(policy["signers"]));
  return [
    ...inRules,
    ...signers.flatMap((name) => check(["signers", name, "sigstore", "trust"], known.trust && ["public", ...known.trust])),
  ];
}

function repeatedRuleNames(rules: readonly unknown[], problem: MakeProblem): Problem[] {
  const seen = new Set<string>();
  return rules.flatMap((rule, position) => {
    const name = asTree(rule)["name"];
    if (typeof name !== "string") return [];
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated ? [problem(["rules", position, "name"], "a name that no other rule has")] : [];
  });
}

/** The specification's block fills `defaults`, so the two must not both speak about a thing. */
function settledTwice(policy: Readonly<Record<string, unknown>>, problem: MakeProblem): Problem[] {
  const security = Object.keys(asTree(policy["security"]));
  return Object.entries(asTree(policy["defaults"])).flatMap(([key]) => {
    const rivals = security.filter((name) => SETTLES[name] === key || (key === "signed_by" && name.startsWith("trusted_")));
    return rivals.length === 0 ? [] : [problem(["defaults", key], `nothing here, since security.${rivals.join(", security.")} settles it`)];
  });
}

const SETTLES: Readonly<Record<string, string>> = {
  require_signature: "signature",
  on_signature_failure: "signature",
  on_unsigned: "signature",
  on_untrusted_signer: "signature",
  require_registry_attestation: "signature",
  require_provenance: "provenance",
  on_provenance_failure: "provenance",
};

interface Reach {
  readonly path: Path;
  readonly pattern: PurlPattern;
  readonly repositories: readonly unknown[];
}

/** First match wins, so a rule whose every pattern an earlier one takes is never used: an operator who wrote it believes in something that is not so. */
function shadowedRules(rules: readonly unknown[], document: WrittenDocument): { problems: Problem[]; warnings: PolicyWarning[] } {
  const problems: Problem[] = [];
  const warnings: PolicyWarning[] = [];
  const earlier: Reach[] = [];
  for (const [position, rule] of rules.entries()) {
    const repositories = asList(asTree(rule)["repositories"]);
    const match = asList(asTree(rule)["match"]);
    const reaches = match.flatMap((written, index): Reach[] => {
      const parsed = typeof written === "string" ? parsePurlPattern(written) : undefined;
      return parsed?.ok ? [{ path: ["rules", position, "match", index], pattern: parsed.value, repositories }] : [];
    });
    if (earlier.length + reaches.length > MAX_RULE_PATTERNS) {
      const path = ["rules", position, "match"];
      const got = describe(match, path);
      return {
        problems: [
          ...problems,
          { at: document.locate(path), key: formatPath(path), expected: `at most ${MAX_RULE_PATTERNS} patterns in all rules`, got },
        ],
        warnings,
      };
    }
    const taken = reaches.flatMap((reach) => {
      const taker = earlier.find((candidate) => takes(candidate, reach));
      return taker ? [{ reach, taker }] : [];
    });
    const [first] = taken;
    if (first && taken.length === match.length) {
      const path = ["rules", position, "match"];
      const where = `${formatPath(first.taker.path)} at ${document.locate(first.taker.path)}`;
      problems.push({
        at: document.locate(path),
        key: formatPath(path),
        expected: `a pattern that no earlier rule takes first (${where} takes ${first.taker.pattern.text}): move this rule up or remove it`,
        got: describe(first.reach.pattern.text, path),
      });
    } else {
      for (const { reach, taker } of taken) {
        warnings.push({
          at: document.locate(reach.path),
          key: formatPath(reach.path),
          code: "PARTLY_SHADOWED",
          text: `${formatPath(taker.path)} (${taker.pattern.text}) takes all of these first, so this pattern does nothing here`,
        });
      }
    }
    earlier.push(...reaches);
  }
  return { problems, warnings };
}

function takes(earlier: Reach, later: Reach): boolean {
  const hasRepositories =
    earlier.repositories.length === 0 ||
    (later.repositories.length > 0 && later.repositories.every((name) => earlier.repositories.includes(name)));
  return hasRepositories && purlCovers(earlier.pattern, later.pattern);
}
