import type { Evidence } from "../../core/evidence.ts";
import type { Policy, SignerRule } from "../../core/policy.ts";
import type { Signer } from "../../core/signer.ts";
import { LEVELS, type Level } from "../../core/statement.ts";
import type { EffectiveRule } from "../select-rule.ts";
import type { LevelReached } from "./judge-provenance.ts";
import type { VerifiedSignature } from "./signatures.ts";

type MirrorRule = Extract<SignerRule, { kind: "vsa" }>;

/** The level that another Assay vouches for, as far as its word is taken. */
interface VouchedLevel extends LevelReached {
  /** It says more than it is believed. */
  readonly isCapped: boolean;
}

/**
 * The evidence that the policy of now lets speak: all but verdicts of other Assays whose key it does not name. A key that was taken out of the policy counts for
 * nothing from the next request on, for archives that were admitted on its word too; that such a verdict was wrong or missing says nothing either.
 */
export function evidenceInForce(evidence: readonly Evidence[], { signers }: Policy): readonly Evidence[] {
  const mirrors = [...signers.values()].filter((rule): rule is MirrorRule => rule.kind === "vsa");
  return evidence.filter(({ verifier, outcome }) => {
    if (verifier !== "vsa") return true;
    return outcome.kind === "pass" ? rulesOf(outcome.signer, mirrors).length > 0 : mirrors.length > 0;
  });
}

/** One for each verdict among the signatures that count. Where the rule names signers, theirs is the word that counts, and no other entry for the same key. */
export function vouchedLevels(
  trusted: readonly VerifiedSignature[],
  { signers }: Policy,
  { settings }: EffectiveRule,
): readonly VouchedLevel[] {
  const named = settings.signedBy?.signers ?? [...signers.values()];
  return trusted.flatMap(({ signer, vouched }) => {
    if (!vouched) return [];
    return rulesOf(signer, named).map(({ name, level }) => {
      const isCapped = isHigher(vouched, level);
      const [reached, why] = isCapped
        ? [level, `${name} vouches for ${vouched}, and the policy takes its word for ${level} (signers.${name}.level)`]
        : [vouched, `${name} vouches for ${vouched} and no more`];
      return { level: reached, why, isCapped };
    });
  });
}

/** What the archive's own evidence shows, or what is vouched for where that is more; of two that are the same, the one that says what would change it. */
export function orVouched(shown: LevelReached, vouched: readonly VouchedLevel[]): LevelReached {
  return vouched.reduce((best, each) => {
    return isHigher(each.level, best.level) || (each.isCapped && each.level === best.level) ? each : best;
  }, shown);
}

function rulesOf(signer: Signer | undefined, rules: readonly SignerRule[]): readonly MirrorRule[] {
  return rules.filter((rule): rule is MirrorRule => rule.kind === "vsa" && signer?.kind === "vsa" && rule.keyId === signer.keyId);
}

function isHigher(left: Level, right: Level): boolean {
  return LEVELS.indexOf(left) > LEVELS.indexOf(right);
}
