import type { Policy } from "../core/policy.ts";
import type { PolicyQuestion } from "../core/ports/policy.ts";
import type { Signer } from "../core/signer.ts";
import type { Level } from "../core/statement.ts";
import type { Undecided, Verdict } from "../core/verdict.ts";
import { type Ruling, weigh } from "./decide/decide.ts";
import { trustedSignatures } from "./decide/judge-signatures.ts";
import { matchSigner } from "./match-signer.ts";
import type { EffectiveRule } from "./select-rule.ts";
import { type Suggestions, suggest } from "./suggest/suggestions.ts";

/** What the policy makes of a verified signer: named by it, one of nobody it names anyone for, or another than it names. `as` is the policy's name for them. */
export type Standing = { readonly kind: "named"; readonly as: string } | { readonly kind: "unlisted" | "untrusted" };

/** A verdict with all that the policy has to say of it. */
export interface VerdictReport extends Suggestions {
  readonly verdict: Verdict | Undecided;
  readonly mode: Policy["mode"];
  readonly level: { readonly reached: Level; readonly why: string; readonly required: Level };
  /** The rule that holds, or `defaults`, and which of its patterns matched. */
  readonly rule: { readonly label: string; readonly pattern?: string };
  standingOf(signer: Signer): Standing;
  /** Where in the policy file that stands which a reason names as its rule; undefined for `always`, what is built in and what is not the policy's. */
  placeOf(rule: string): string | undefined;
}

/** The policy's file, and what it is called before people who are to know no path of this machine. */
export interface PolicyFileName {
  readonly file: string;
  readonly name: string;
}

/** The verdict of the policy as it is, why, and what would change it. Pure. */
export function explainVerdict(question: PolicyQuestion, ruling: Ruling, file: PolicyFileName): VerdictReport {
  const { policy } = ruling;
  const { rule, signatures, level, verdict } = weigh(question, ruling);
  const trusted = new Set(trustedSignatures(signatures, rule).map(({ signer }) => signer));
  return {
    verdict,
    mode: policy.mode,
    level: { reached: level.level, why: level.why, required: rule.settings.provenance.level },
    rule: {
      label: rule.label,
      ...(rule.pattern ? { pattern: rule.pattern.text } : {}),
    },
    ...suggest(question, ruling),
    standingOf: (signer) => standingOf(signer, trusted.has(signer), rule),
    placeOf: (label) => placeOf(label, policy, file),
  };
}

function standingOf(signer: Signer, isTrusted: boolean, { settings: { signedBy } }: EffectiveRule): Standing {
  if (!isTrusted) return { kind: "untrusted" };
  const named = signedBy?.signers.find((each) => matchSigner(signer, each).matches);
  return named ? { kind: "named", as: named.name } : { kind: "unlisted" };
}

const SECTIONS = /^(?:defaults|security|governance)(?:\.|$)/;

/** Where in the policy file that stands which a reason names as its rule. */
export function placeOf(label: string, { rules, deny }: Policy, { file, name }: PolicyFileName): string | undefined {
  const entry = [...rules, ...deny].find((each) => each.label === label);
  if (entry) return entry.at.startsWith(file) ? `${name}${entry.at.slice(file.length)}` : entry.at;
  return SECTIONS.test(label) ? name : undefined;
}
