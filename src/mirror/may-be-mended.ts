import type { FindingCode, VerifierId } from "../core/evidence.ts";
import type { Admission, ReasonCode, Refusal } from "../core/verdict.ts";

/** Findings that say as much about the keys and roots that we had as about the signature, which may have been made anew by now too. */
const OF_OUR_TRUST: ReadonlySet<FindingCode> = new Set<FindingCode>(["KEY_UNKNOWN", "CERTIFICATE_UNTRUSTED", "LOG_ENTRY_UNTRUSTED"]);

/** Reasons that a signature which verifies by now would do away with. */
const OF_A_SIGNATURE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  ...OF_OUR_TRUST,
  "SIGNATURE_MISSING",
  "SIGNER_UNTRUSTED",
  "EVIDENCE_LOST",
  "PROVENANCE_TOO_LOW",
]);

/**
 * Whether what is held could be let through if it were checked anew: a key or a root that its signatures need may have been added since, or the upstream that its
 * name has been bound to since may have the same bytes. `wouldLook`: a verifier that had no reason to look at it has one now.
 */
export function mayBeMended({ evidence }: Pick<Admission, "evidence">, { reasons }: Refusal, wouldLook: boolean): boolean {
  if (reasons.every(({ code }) => code === "UPSTREAM_NOT_ALLOWED")) return true;
  if (!reasons.every(({ code }) => OF_A_SIGNATURE.has(code))) return false;
  return wouldLook || evidence.some(({ outcome }) => outcome.kind === "invalid" && OF_OUR_TRUST.has(outcome.code));
}

/**
 * The `trusting` verifiers that are to look again at what is held and refused for nothing but what they found, or missed: what is published about it may have been put
 * right since, and looking costs no download. None where another verifier's word, or its bytes, are needed too.
 */
export function lookingAgain({ evidence }: Admission, { reasons }: Refusal, trusting: ReadonlySet<string>): ReadonlySet<VerifierId> {
  if (!reasons.every(({ code, verifier }) => OF_A_SIGNATURE.has(code) || trusting.has(verifier))) return new Set();
  const wrong = evidence.filter(({ outcome }) => outcome.kind === "invalid");
  return new Set(wrong.every(({ verifier }) => trusting.has(verifier)) ? wrong.map(({ verifier }) => verifier) : []);
}
