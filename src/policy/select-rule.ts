import type { EcosystemId } from "../core/artifact.ts";
import { matchGlob } from "../core/glob.ts";
import type { Governance, Origins, Policy, PurlPattern, Rule, Settings } from "../core/policy.ts";
import type { PackageCoordinates } from "../core/ports/policy.ts";
import type { Level } from "../core/statement.ts";
import { type Coordinates, matchPurl } from "./purl-pattern.ts";
import { mergeOrigins, mergeSettings } from "./settings.ts";

/** What is asked about: one version of a package in one repository. */
export interface RuleCoordinates {
  readonly ecosystem: EcosystemId;
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

/** The settings that hold for one version, and why these. */
export interface EffectiveRule {
  /** What stands in reasons as `[rule]`: the matched rule's name or position, else `defaults`. */
  readonly label: string;
  readonly rule?: Rule;
  /** The pattern of the rule that matched. */
  readonly pattern?: PurlPattern;
  /** The one upstream that the package may come from, whichever its version. */
  readonly binding?: Binding;
  readonly settings: Settings;
  /** Whom each setting is from. */
  readonly origins: Origins;
  /** The dist-tag that the version must carry (AAM governance). */
  readonly requireTag?: string;
}

/** The one upstream that packages of a name may come from, and the rule that says so. */
export interface Binding {
  readonly upstream: string;
  /** The rule's label. */
  readonly rule: string;
}

/** The first rule that matches, on top of `defaults`. Rules differ in nothing but their order: none is more specific than another. */
export function selectRule(policy: Policy, coordinates: RuleCoordinates): EffectiveRule {
  const found = findRule(policy, coordinates);
  const binding = bindingOf(policy, coordinates);
  const bound = binding ? { binding } : {};
  const effective: EffectiveRule = found
    ? {
        label: found.rule.label,
        rule: found.rule,
        pattern: found.pattern,
        ...bound,
        settings: mergeSettings(policy.defaults, found.rule.settings),
        origins: mergeOrigins(policy.defaultOrigins, found.rule.settings, found.rule.label),
      }
    : { label: "defaults", ...bound, settings: policy.defaults, origins: policy.defaultOrigins };
  return coordinates.ecosystem === "aam" ? governed(effective, policy.governance) : effective;
}

/** The dist-tag that versions must carry. The AAM specification's gates are for AAM packages alone. */
export function requiredTag({ governance }: Policy, ecosystem: EcosystemId): string | undefined {
  return ecosystem === "aam" ? governance.requireTag : undefined;
}

/**
 * Whom to ask is settled before any version is known, so the first rule that is for every version of the package decides; one for a single version
 * takes no name out of a binding.
 */
export function bindingOf({ rules }: Policy, { ecosystem, name, repository }: PackageCoordinates): Binding | undefined {
  const isMeant = (pattern: PurlPattern): boolean =>
    pattern.version === undefined && pattern.file === undefined && matchPurl(pattern, { ecosystem, name, version: "" });
  const rule = rules.find(({ match, repositories }) => (!repositories || repositories.includes(repository)) && match.some(isMeant));
  return rule?.upstream === undefined ? undefined : { upstream: rule.upstream, rule: rule.label };
}

function findRule(policy: Policy, coordinates: RuleCoordinates): { rule: Rule; pattern: PurlPattern } | undefined {
  for (const rule of policy.rules) {
    if (rule.repositories && !rule.repositories.includes(coordinates.repository)) continue;
    const pattern = rule.match.find((candidate) => matchPurl(candidate, coordinates));
    if (pattern) return { rule, pattern };
  }
  return undefined;
}

/** The gates block whatever `on_signature_failure` or a rule says. AAM specification 15.1. */
function governed(effective: EffectiveRule, { requireSignature, requireTag }: Governance): EffectiveRule {
  const tagged = requireTag === undefined ? effective : { ...effective, requireTag };
  if (!requireSignature) return tagged;
  const gate = { signature: { require: true, onMissing: "error" as const }, provenance: {} };
  return {
    ...tagged,
    settings: mergeSettings(effective.settings, gate),
    origins: mergeOrigins(effective.origins, gate, "governance"),
  };
}

export interface GovernanceBlock {
  readonly gate: "blocked_packages" | "allowed_scopes";
  readonly text: string;
}

/** Whether the AAM specification's gates let a package in by its name. A block wins over an allowed scope. */
export function governanceBlock(
  { governance }: Policy,
  { ecosystem, name }: Pick<Coordinates, "ecosystem" | "name">,
): GovernanceBlock | undefined {
  if (ecosystem !== "aam") return undefined;
  const blocker = governance.blockedPackages.find((glob) => matchGlob(glob, name));
  if (blocker)
    return { gate: "blocked_packages", text: `expected a package that is not blocked, got ${name}, which ${blocker.text} blocks` };
  const { allowedScopes } = governance;
  if (!allowedScopes || allowedScopes.includes("*")) return undefined;
  const scope = name.startsWith("@") ? name.slice(0, name.indexOf("/")) : "";
  if (allowedScopes.includes(scope)) return undefined;
  const wanted = allowedScopes.map((allowed) => (allowed === "" ? "no scope" : allowed)).join(", ") || "none at all";
  return { gate: "allowed_scopes", text: `expected a scope among ${wanted}, got ${scope === "" ? "a package without a scope" : scope}` };
}

/** The level that provenance by this builder makes; undefined for a builder that the policy does not know. */
export function builderLevel({ builders }: Policy, builderId: string): Level | undefined {
  const levels = builders.filter(({ id }) => matchGlob(id, builderId)).map(({ level }) => level);
  return levels.includes("L3") ? "L3" : levels[0];
}
