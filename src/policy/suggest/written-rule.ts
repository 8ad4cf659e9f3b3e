import type { ArtifactRef } from "../../core/artifact.ts";
import { formatDuration } from "../../core/duration.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { PartialSettings, Policy, Rule, SignedBy } from "../../core/policy.ts";
import { formatPurl } from "../../core/purl.ts";
import { parsePurlPattern, purlCovers } from "../purl-pattern.ts";
import type { EffectiveRule } from "../select-rule.ts";
import { freeName } from "./free-name.ts";

/** Where an entry goes: anywhere, before a rule that would take the package first, or in the place of one. */
export type Place = { readonly how: "add" } | { readonly how: "before" | "replace"; readonly rule: string };

export interface WrittenRule {
  readonly written: JsonObject;
  readonly place: Place;
}

/**
 * A rule for one package alone, which says `changes` and otherwise all that the rule says which holds for it now: a rule is not added to the one it goes before, and
 * what that one demands (an upstream, an age) must not get lost. One that means this package and nothing else is replaced.
 */
export function ruleFor(ref: ArtifactRef, { rule }: EffectiveRule, policy: Policy, changes: JsonObject): WrittenRule {
  const purl = formatPurl(ref);
  // The last @ begins the version: one of a scope is written %40.
  const pattern = purl.slice(0, purl.lastIndexOf("@"));
  const kept = rule ? withoutEmpty({ repositories: rule.repositories, upstream: rule.upstream, ...writtenSettings(rule.settings) }) : {};
  const replaced = rule !== undefined && isCovered(rule, pattern) ? rule : undefined;
  const name = freeName(ref.name, (taken) => policy.rules.some(({ label }) => label === taken && label !== replaced?.label));
  const written = { name: replaced && !isPosition(replaced.label) ? replaced.label : name, match: [pattern], ...merged(kept, changes) };
  if (replaced)
    return { written: { ...written, match: replaced.match.map(({ text }) => text) }, place: { how: "replace", rule: replaced.label } };
  return { written, place: rule ? { how: "before", rule: rule.label } : { how: "add" } };
}

/** A rule without a name has its position for a label. */
function isPosition(label: string): boolean {
  return label.endsWith("]");
}

/** Whether nothing would be left for the rule with one for this pattern before it, which a policy must not have. */
function isCovered(rule: Rule, pattern: string): boolean {
  const parsed = parsePurlPattern(pattern);
  return parsed.ok && rule.match.every((each) => purlCovers(parsed.value, each));
}

function writtenSettings(settings: PartialSettings): Readonly<Record<string, JsonValue | undefined>> {
  const { signature, provenance, signedBy, minAgeMs, firstUse, noDowngrade } = settings;
  const { require, onMissing, onUntrusted, onInvalid } = signature;
  return {
    signature: withoutEmpty({ require, on_missing: onMissing, on_untrusted: onUntrusted, on_invalid: onInvalid }),
    provenance: withoutEmpty({ level: provenance.level, on_missing: provenance.onMissing }),
    signed_by: signedBy && writtenSigners(signedBy),
    min_age: minAgeMs === undefined ? undefined : formatDuration(minAgeMs),
    first_use: firstUse,
    no_downgrade: typeof noDowngrade === "object" ? { within: noDowngrade.within } : noDowngrade,
  };
}

function writtenSigners({ quantifier, signers }: SignedBy): JsonValue {
  return signers.length === 0 ? "nobody" : { [quantifier]: signers.map(({ name }) => name) };
}

function withoutEmpty(values: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const isEmpty = (value: JsonValue | undefined): boolean => value === undefined || (isMap(value) && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, JsonValue] => !isEmpty(entry[1])));
}

function merged(base: JsonObject, changes: JsonObject): JsonObject {
  const entries = Object.entries(changes).map(([key, value]) => {
    const before = base[key];
    // Who must sign is one thing, not several settings.
    return [key, key !== "signed_by" && isMap(before) && isMap(value) ? { ...before, ...value } : value] as const;
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
