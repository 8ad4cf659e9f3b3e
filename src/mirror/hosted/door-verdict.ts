import { AssayError } from "../../core/errors.ts";
import type { Evidence } from "../../core/evidence.ts";
import type { AssessingPolicy, PolicyQuestion } from "../../core/ports/policy.ts";
import type { Examined } from "../../core/ports/publishing.ts";
import type { Reason, ReasonCode, Verdict } from "../../core/verdict.ts";

export interface DoorPolicy extends Pick<AssessingPolicy, "assess" | "boundTo"> {
  /** Whether `governance.publish_policy` lets only signed archives in. */
  publishRequiresSignature(): boolean;
}

/** Seconds after which evidence that could not be had is asked for again. */
const RETRY_SECONDS = 30;

/** What is wrong with a signature that comes with an upload, also where the policy would serve the archive with a warning. */
const NEVER_TAKEN: ReadonlySet<ReasonCode> = new Set<ReasonCode>(["SIGNER_UNTRUSTED", "SIGNER_CHANGED"]);

/**
 * Whether an upload is let in. By the policy, but for two things. It is younger than any age that the policy asks for, and carries no tag yet: that is judged when somebody
 * installs it. And whoever publishes is there to mend what they sent: a signature that does not verify, or is by nobody that the policy trusts, is not taken, in audit mode
 * neither. Throws UPSTREAM_EVIDENCE where what the policy needs could not be found out.
 */
export function atTheDoor(
  question: PolicyQuestion,
  policy: Pick<DoorPolicy, "assess" | "publishRequiresSignature">,
): { readonly verdict: Verdict; readonly examined: Examined } {
  const { verdict, level } = policy.assess(question);
  if (verdict.kind === "undecided") {
    throw new AssayError("UPSTREAM_EVIDENCE", `what was sent could not be verified now: ${verdict.detail}`, {
      help: "nothing was kept: publish it again soon",
      retryAfterSeconds: RETRY_SECONDS,
    });
  }
  const signers = question.evidence.flatMap(({ outcome }) => (outcome.kind === "pass" && outcome.signer ? [outcome.signer] : []));
  const unsigned = policy.publishRequiresSignature() && signers.length === 0 ? [UNSIGNED] : [];
  const told = verdict.kind === "refuse" ? verdict.reasons : verdict.warnings.filter(({ code }) => NEVER_TAKEN.has(code));
  const [first, ...others] = [...told.filter(isAboutUpload), ...invalidIn(question.evidence, told), ...unsigned];
  return {
    verdict: first
      ? { kind: "refuse", reasons: [first, ...others] }
      : { kind: "admit", warnings: verdict.kind === "admit" ? verdict.warnings : verdict.reasons },
    examined: { digest: question.digest, signers, level },
  };
}

function isAboutUpload({ code, rule }: Reason): boolean {
  return code !== "TOO_YOUNG" && rule !== "governance.require_tag";
}

/** What verifiers found wrong and the policy did not say already. */
function invalidIn(evidence: readonly Evidence[], told: readonly Reason[]): readonly Reason[] {
  return evidence.flatMap(({ verifier, outcome }) => {
    if (outcome.kind !== "invalid" || told.some((reason) => reason.verifier === verifier && reason.code === outcome.code)) return [];
    const text = outcome.label === undefined ? outcome.detail : `${outcome.label}: ${outcome.detail}`;
    return [{ code: outcome.code, rule: "always", verifier, text, help: "send it right, or leave it out" }];
  });
}

const UNSIGNED: Reason = {
  code: "SIGNATURE_MISSING",
  rule: "governance.publish_policy.require_signature",
  verifier: "policy",
  text: "expected a signature that verifies, got none",
  help: "sign the archive: `assay publish --sign`",
};
