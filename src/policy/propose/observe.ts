import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { LEVELS, type Level } from "../../core/statement.ts";
import type { ReasonCode } from "../../core/verdict.ts";
import { type Ruling, type Weighing, weigh } from "../decide/decide.ts";
import { ownSignatures, type VerifiedSignature } from "../decide/signatures.ts";
import { builderLevel } from "../select-rule.ts";
import type { SignerBook } from "./signer-book.ts";

/**
 * What a policy makes of an archive, as a proposal sees it. `signed`: by somebody whom the policy can name. `unsigned`: by nobody, or by nobody whom a policy could name.
 * `settled`: the policy names for it who must sign, and that holds. `refused`: for something that only a person may set aside.
 */
export type Observed = { readonly question: PolicyQuestion; readonly weighing: Weighing } & (
  | { readonly kind: "signed"; readonly signer: string; readonly level: Level }
  | { readonly kind: "unsigned" | "settled" | "refused" }
);

/** What says no more than that there is too little evidence, or too little time gone by. */
const WANTING: ReadonlySet<ReasonCode> = new Set<ReasonCode>(["SIGNATURE_MISSING", "PROVENANCE_TOO_LOW", "TOO_YOUNG"]);

/** Signers get their names in an order that depends on nothing but who they are, so that the same archives make the same policy. */
export function observe(
  questions: readonly PolicyQuestion[],
  rulingFor: (question: PolicyQuestion) => Ruling,
  book: SignerBook,
): readonly Observed[] {
  const weighed = questions.map((question) => ({ question, weighing: weigh(question, rulingFor(question)), ruling: rulingFor(question) }));
  const open = weighed.filter(({ weighing }) => kindOf(weighing) === "open");
  const signers = open.flatMap(({ weighing }) => ownSignatures(weighing.signatures.verified).map(({ signer }) => signer));
  const inOrder = [...new Map(signers.map((signer) => [JSON.stringify(signer), signer]))].sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  for (const [, signer] of inOrder) book.nameOf(signer);
  return weighed.map(({ question, weighing, ruling }): Observed => {
    const kind = kindOf(weighing);
    if (kind !== "open") return { question, weighing, kind };
    const best = bestSigner(ownSignatures(weighing.signatures.verified), ruling, book);
    return best ? { question, weighing, kind: "signed", ...best } : { question, weighing, kind: "unsigned" };
  });
}

function kindOf({ rule, judgements }: Weighing): "open" | "settled" | "refused" {
  const refusing = judgements.filter(({ effect }) => effect === "refuse").map(({ reason }) => reason.code);
  const { signedBy } = rule.settings;
  if (signedBy && signedBy.signers.length > 0) return refusing.every((code) => code === "TOO_YOUNG") ? "settled" : "refused";
  // Where nobody is named anybody is untrusted: that is what a proposal is for.
  const isWanting = refusing.every((code) => WANTING.has(code) || (signedBy && code === "SIGNER_UNTRUSTED"));
  return isWanting ? "open" : "refused";
}

/** Of several who signed an archive, the one whose signatures prove most: to name more would let in what any of them signs alone. */
function bestSigner(
  signatures: readonly VerifiedSignature[],
  { policy, levelOf }: Ruling,
  book: SignerBook,
): { readonly signer: string; readonly level: Level } | undefined {
  const byName = Map.groupBy(signatures, ({ signer }) => book.nameOf(signer));
  const named = [...byName].flatMap(([signer, own]) => {
    if (signer === undefined) return [];
    // Without rebuilds: that one version was rebuilt says nothing of the next, which a proposed L3 would refuse.
    return [{ signer, level: levelOf(own, (id) => builderLevel(policy, id) !== undefined, []).level }];
  });
  const rank = ({ level }: { readonly level: Level }): number => LEVELS.indexOf(level);
  return named.sort((left, right) => rank(right) - rank(left) || (left.signer < right.signer ? -1 : 1))[0];
}
