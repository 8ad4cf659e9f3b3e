import { formatDuration } from "../core/duration.ts";
import { type Origins, SETTING_KEYS, type SettingKey, type Settings, type SignedBy, type Waiver } from "../core/policy.ts";
import { type Denial, deniedBy } from "./denied-by.ts";
import { type Coordinates, canonicalName, matchPurl } from "./purl-pattern.ts";
import type { ReadPolicy } from "./read-policy.ts";
import { type GovernanceBlock, governanceBlock, selectRule } from "./select-rule.ts";

/** What a policy says about one version before anything is known of its evidence. Plain JSON but for undefined, with the policy's own words. */
export interface RuleReport {
  readonly mode: "enforce" | "audit";
  /** The rule that holds, or `defaults`. */
  readonly rule: { readonly label: string; readonly at?: string; readonly pattern?: string };
  readonly denied: Denial | undefined;
  readonly blocked: GovernanceBlock | undefined;
  readonly upstream: string | undefined;
  readonly requireTag: string | undefined;
  /** Each setting as it is written in a policy, with whom it is from. */
  readonly settings: Readonly<Record<SettingKey, { readonly value: SettingValue; readonly from: string }>>;
  readonly waivers: readonly WaiverReport[];
}
export type SettingValue = string | boolean | readonly string[] | { readonly [key: string]: string | readonly string[] };

export interface WaiverReport {
  readonly label: string;
  readonly at: string;
  readonly waive: readonly string[];
  readonly owner: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly expires: string;
  /** Holds for these bytes only. */
  readonly digest?: string;
}

export function explainRule(
  { policy, feeds }: Pick<ReadPolicy, "policy" | "feeds">,
  asked: Coordinates & { readonly repository: string },
  now: number,
): RuleReport {
  const coordinates = { ...asked, name: canonicalName(asked.ecosystem, asked.name) };
  const effective = selectRule(policy, coordinates);
  return {
    mode: policy.mode,
    rule: {
      label: effective.label,
      ...(effective.rule ? { at: effective.rule.at } : {}),
      ...(effective.pattern ? { pattern: effective.pattern.text } : {}),
    },
    denied: deniedBy(policy, coordinates, feeds),
    blocked: governanceBlock(policy, coordinates),
    upstream: effective.binding?.upstream,
    requireTag: effective.requireTag,
    settings: reportSettings(effective.settings, effective.origins),
    waivers: policy.waivers.filter((waiver) => now < waiver.expiresAt && matchPurl(waiver.purl, coordinates)).map(reportWaiver),
  };
}

function reportSettings(settings: Settings, origins: Origins): RuleReport["settings"] {
  const { signature, provenance, signedBy, minAgeMs, firstUse, noDowngrade } = settings;
  const values: Record<SettingKey, SettingValue> = {
    "signature.require": signature.require,
    "signature.on_missing": signature.onMissing,
    "signature.on_untrusted": signature.onUntrusted,
    "signature.on_invalid": signature.onInvalid,
    "signature.accepted_types": signature.accepted ?? "all",
    "signature.require_registry": signature.requireRegistry,
    signed_by: signersOf(signedBy),
    "provenance.level": provenance.level,
    "provenance.on_missing": provenance.onMissing,
    min_age: formatDuration(minAgeMs),
    first_use: firstUse,
    no_downgrade: noDowngrade === "off" ? noDowngrade : { within: noDowngrade.within },
  };
  const entries = SETTING_KEYS.map((key) => [key, { value: values[key], from: origins[key] }]);
  return Object.fromEntries(entries) as RuleReport["settings"];
}

function signersOf(signedBy: SignedBy | undefined): SettingValue {
  if (!signedBy) return "anybody";
  return signedBy.signers.length === 0 ? "nobody" : { [signedBy.quantifier]: signedBy.signers.map(({ name }) => name) };
}

function reportWaiver({ label, at, waive, owner, reason, expiresAt, digest }: Waiver): WaiverReport {
  return {
    label,
    at,
    waive,
    owner,
    reason,
    expires: new Date(expiresAt).toISOString(),
    ...(digest === undefined ? {} : { digest: `sha256:${digest}` }),
  };
}
