import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "../../core/digest.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import type { Signer } from "../../core/signer.ts";
import { type Ruling, weigh } from "../decide/decide.ts";

/** Somebody whom no policy means, unless it means anybody. */
const STRANGER: Signer = {
  kind: "sigstore",
  trust: "public",
  issuer: "https://issuer.invalid",
  identity: { type: "uri", value: "https://stranger.invalid/somebody" },
  source: {},
};

/** Other bytes than those that were looked at. */
export type OtherBytes = "unsigned" | "signed by a stranger";

/**
 * Which other bytes the policy would let in under the name and version of an archive, on a mirror that never saw it. They are made up: sound, claimed by the index,
 * and without a signature or with one by somebody who is in no policy.
 */
export function letsIn(question: PolicyQuestion, ruling: Ruling): readonly OtherBytes[] {
  const cases: readonly OtherBytes[] = ["unsigned", "signed by a stranger"];
  return cases.filter((each) => weigh(withOtherBytes(question, each), ruling).verdict.kind === "admit");
}

function withOtherBytes({ heldSince: _, ...question }: PolicyQuestion, which: OtherBytes): PolicyQuestion {
  const digest = otherThan(question.digest);
  const about = { subject: digest, checkedAt: question.now };
  return {
    ...question,
    digest,
    precedents: [],
    evidence: [
      { ...about, verifier: "checksum", outcome: { kind: "pass", claims: { strength: "strong" } } },
      { ...about, verifier: "archive", outcome: { kind: "pass", claims: {} } },
      {
        ...about,
        verifier: "sigstore",
        outcome: which === "unsigned" ? { kind: "absent" } : { kind: "pass", claims: {}, signer: STRANGER },
      },
    ],
  };
}

function otherThan(digest: Digest): Digest {
  return parseDigest(createHash("sha256").update(digest).digest("hex"));
}
