import type { Policy, RepositoryPolicy } from "../../core/policy.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { type Rebuild, rebuildsIn } from "../../core/rebuild.ts";
import type { Undecided, Verdict } from "../../core/verdict.ts";
import type { OsvFeed } from "../osv-feed.ts";
import { builderLevel, type EffectiveRule, selectRule } from "../select-rule.ts";
import { softened, verdictOf } from "./conclude.ts";
import { judgeContinuity } from "./judge-continuity.ts";
import { judgeIntegrity } from "./judge-integrity.ts";
import { judgeMetadata } from "./judge-metadata.ts";
import { judgeProvenance, type LevelReached } from "./judge-provenance.ts";
import { judgeSignatures, levelSignatures, trustedSignatures } from "./judge-signatures.ts";
import { type Judgement, judge } from "./judgement.ts";
import { evidenceInForce, orVouched, vouchedLevels } from "./other-mirrors.ts";
import { type Signatures, signaturesOf, type VerifiedSignature } from "./signatures.ts";

/** The policy in force, with what belongs to it. */
export interface Ruling {
  readonly policy: Policy;
  /** OSV feeds by the label of their `deny` entry. */
  readonly feeds: ReadonlyMap<string, OsvFeed>;
  /** What the configuration of the archive's repository leaves to the operator. */
  readonly repository: RepositoryPolicy;
  /** The level that signatures and rebuilds make, where `accepts` says which builders count. Pure. */
  readonly levelOf: (
    signatures: readonly VerifiedSignature[],
    accepts: (builderId: string) => boolean,
    rebuilds: readonly Rebuild[],
  ) => LevelReached;
}

/** What a verdict is made of. */
export interface Weighing {
  readonly rule: EffectiveRule;
  readonly signatures: Signatures;
  readonly level: LevelReached;
  /** After waivers and audit mode. Where evidence is wanting, only what is certain without it. */
  readonly judgements: readonly Judgement[];
  readonly verdict: Verdict | Undecided;
}

/**
 * The verdict over one archive. Pure: the same question under the same ruling has the same answer, so it is asked again for every request and after every change
 * of policy, from evidence that was kept. Evidence that is missing never admits; evidence that could not be had leaves it undecided, but in audit mode.
 */
export function decide(question: PolicyQuestion, ruling: Ruling): Verdict | Undecided {
  return weigh(question, ruling).verdict;
}

/** The same, with all that the verdict is made of. */
export function weigh(question: PolicyQuestion, ruling: Ruling): Weighing {
  const { policy } = ruling;
  const rule = selectRule(policy, question.ref);
  const signatures = signaturesOf(evidenceInForce(question.evidence, policy));
  const level = levelReached(signatures, question.evidence, rule, ruling);
  const integrity = judgeIntegrity(question.evidence, ruling.repository);
  const metadata = judgeMetadata(question, policy, ruling.feeds, rule);
  const certain = [...integrity, ...metadata.map((judgement) => softened(judgement, question, policy))];
  // What is refused whatever the evidence turns out to be needs no second try.
  const isOpen = signatures.unavailable.length > 0 && !certain.some(({ effect }) => effect === "refuse");
  if (isOpen && policy.mode === "enforce") {
    const verdict = { kind: "undecided", detail: signatures.unavailable.join("; ") } as const;
    return { rule, signatures, level, judgements: certain, verdict };
  }
  const rehearsed = isOpen ? signatures.unavailable.flatMap(notToBeHad) : [];
  const about = [...judgeSignatures(signatures, rule), ...judgeContinuity(question, signatures, rule), ...judgeProvenance(level, rule)];
  const judgements = [...certain, ...rehearsed, ...about.map((judgement) => softened(judgement, question, policy))];
  return { rule, signatures, level, judgements, verdict: verdictOf(judgements) };
}

/** Audit mode stops no install, for want of an answer neither: it records that there was none. */
function notToBeHad(detail: string): readonly Judgement[] {
  const text = `audit: this would have been answered 503, until it can be had; ${detail}`;
  return judge("warn", { code: "EVIDENCE_UNAVAILABLE", text, rule: "always" }).map((judgement) => ({
    ...judgement,
    reason: { ...judgement.reason, setAside: "audit" },
  }));
}

/** The level that an archive's evidence makes under the rule that holds for it. Pure. */
export function assessLevel({ ref, evidence }: Pick<PolicyQuestion, "ref" | "evidence">, ruling: Ruling): LevelReached {
  const signatures = signaturesOf(evidenceInForce(evidence, ruling.policy));
  return levelReached(signatures, evidence, selectRule(ruling.policy, ref), ruling);
}

function levelReached(
  signatures: Signatures,
  evidence: PolicyQuestion["evidence"],
  rule: EffectiveRule,
  { policy, levelOf }: Ruling,
): LevelReached {
  const trusted = trustedSignatures(signatures, rule);
  const accepts = (id: string): boolean => builderLevel(policy, id) !== undefined;
  const shown = levelOf(levelSignatures(trusted, policy, rule), accepts, rebuildsIn(evidence));
  return orVouched(shown, vouchedLevels(trusted, policy, rule));
}
