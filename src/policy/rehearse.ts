import type { PolicyQuestion } from "../core/ports/policy.ts";
import type { Signer } from "../core/signer.ts";
import type { Level } from "../core/statement.ts";
import type { Undecided, Verdict } from "../core/verdict.ts";
import { type Ruling, weigh } from "./decide/decide.ts";
import { ownSignatures } from "./decide/signatures.ts";
import { type PolicyFileName, placeOf } from "./explain-verdict.ts";

/** What a policy makes of an archive that nobody asked for. */
export interface Rehearsal {
  /** Once the policy is enforced, whatever its mode is. */
  readonly verdict: Verdict | Undecided;
  /** As the policy stands. */
  readonly asItStands: Verdict | Undecided;
  readonly level: Level;
  /** The rule that holds, or `defaults`. */
  readonly rule: string;
  /** Those who make packages and whose signature over these bytes verified, trusted or not, each once for each signature. */
  readonly signers: readonly Signer[];
  /** Where in the policy file that stands which a reason names as its rule. */
  placeOf(rule: string): string | undefined;
}

/** The same weighing as for a request. Pure. */
export function rehearse(question: PolicyQuestion, ruling: Ruling, file: PolicyFileName): Rehearsal {
  const { policy } = ruling;
  const { verdict, level, rule, signatures } = weigh(question, { ...ruling, policy: { ...policy, mode: "enforce" } });
  return {
    verdict,
    asItStands: policy.mode === "enforce" ? verdict : weigh(question, ruling).verdict,
    level: level.level,
    rule: rule.label,
    signers: ownSignatures(signatures.verified).map(({ signer }) => signer),
    placeOf: (label) => placeOf(label, policy, file),
  };
}
