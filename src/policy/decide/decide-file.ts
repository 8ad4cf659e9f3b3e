import type { ArtifactRef } from "../../core/artifact.ts";
import type { Digest } from "../../core/digest.ts";
import type { Evidence } from "../../core/evidence.ts";
import type { Finding } from "../../core/finding.ts";
import type { SignerRule } from "../../core/policy.ts";
import type { Verdict } from "../../core/verdict.ts";
import { matchSigner } from "../match-signer.ts";
import { builderLevel, type EffectiveRule, selectRule } from "../select-rule.ts";
import { softened, verdictOf } from "./conclude.ts";
import type { Ruling } from "./decide.ts";
import { judgeIntegrityOf } from "./judge-integrity.ts";
import { judgePackage } from "./judge-metadata.ts";
import { judgeProvenance, type LevelReached } from "./judge-provenance.ts";
import { judgeSignatures, trustedSignatures } from "./judge-signatures.ts";
import { type Judgement, judge } from "./judgement.ts";
import { describeSigner, type Signatures, signaturesOf, type VerifiedSignature } from "./signatures.ts";

/** A file with the evidence that somebody holds beside it. No index was asked, and there is no history. */
export interface FileQuestion {
  readonly digest: Digest;
  readonly evidence: readonly Evidence[];
  /** What is odd about evidence that verified, and no reason to refuse it. */
  readonly oddities: readonly Finding[];
  /** What the file claims to be; without it only the policy's defaults hold, since rules are for packages. */
  readonly ref?: ArtifactRef;
  /** Whether the bytes themselves were at hand to be looked into. */
  readonly archive: boolean;
  /** Each of these must have signed, whatever the policy says. */
  readonly signedBy: readonly SignerRule[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface FileDecision {
  readonly verdict: Verdict;
  readonly level: LevelReached;
  /** The signatures that count: by those who were named, or by anybody where nobody was. */
  readonly counting: readonly VerifiedSignature[];
  /** Whether those who count were named, by the policy's rule or by `signedBy`. */
  readonly named: boolean;
}

/**
 * The verdict over a file and the evidence given with it: what `decide` makes of its name, its archive, its signatures and its level. What an index or a history
 * would be needed for (claimed checksums, age, upstream, tags, first use, downgrades) is left out. At least one signature must verify, by no policy less. Pure.
 */
export function decideFile(question: FileQuestion, ruling: Ruling): FileDecision {
  const { policy } = ruling;
  const { ref, evidence } = question;
  const rule: EffectiveRule = ref
    ? selectRule(policy, ref)
    : { label: "defaults", settings: policy.defaults, origins: policy.defaultOrigins };
  const signatures = signaturesOf(evidence);
  const trusted = trustedSignatures(signatures, rule);
  const { signedBy } = question;
  const counting =
    signedBy.length === 0 ? trusted : trusted.filter(({ signer }) => signedBy.some((named) => matchSigner(signer, named).matches));
  const level = ruling.levelOf(counting, (id) => builderLevel(policy, id) !== undefined, []);
  const byPolicy = [
    ...(ref ? judgePackage(ref, policy, ruling.feeds) : []),
    ...judgeSignatures(signatures, rule),
    ...judgeProvenance(level, rule),
  ].map((judgement) => softened(judgement, question, policy));
  const certain = question.archive ? judgeIntegrityOf("archive", evidence, ruling.repository) : [];
  const odd = question.oddities.flatMap(({ code, detail }) => judge("warn", { code, text: detail, rule: "always", verifier: "sigstore" }));
  const judgements = [...certain, ...byPolicy, ...odd];
  const refused = judgements.some(({ effect }) => effect === "refuse");
  return {
    // Nothing verified and refused for it already: to say so twice helps nobody.
    verdict: verdictOf([...judgements, ...(refused && signatures.verified.length === 0 ? [] : judgeSigners(signatures, signedBy))]),
    level,
    counting,
    named: rule.settings.signedBy !== undefined || signedBy.length > 0,
  };
}

function judgeSigners({ verified, invalid, unknown }: Signatures, signedBy: readonly SignerRule[]): readonly Judgement[] {
  if (verified.length === 0) {
    const [wrong = unknown[0]] = invalid;
    const none = {
      code: "SIGNATURE_MISSING",
      text: "expected a verified signature, got none: the evidence has no signature in it",
    } as const;
    return judge("error", wrong ? { ...wrong, text: wrong.detail, rule: "always" } : { ...none, rule: "always" });
  }
  const unmet = signedBy.filter((named) => !verified.some(({ signer }) => matchSigner(signer, named).matches));
  const foreign = unknown.flatMap(({ code, detail, verifier }) => judge("warn", { code, text: detail, rule: "always", verifier }));
  return [
    ...foreign,
    ...unmet.flatMap((named) => {
      const details = verified.map(({ signer }) => mismatch(signer, named));
      return judge("error", { code: "SIGNER_UNTRUSTED", text: [...new Set(details)].join("; "), rule: named.name });
    }),
  ];
}

function mismatch(signer: VerifiedSignature["signer"], named: SignerRule): string {
  const match = matchSigner(signer, named);
  return match.matches ? "" : `${match.detail}, in a signature by ${describeSigner(signer)}`;
}
