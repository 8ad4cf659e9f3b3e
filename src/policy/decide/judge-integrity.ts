import type { Evidence, VerifierId } from "../../core/evidence.ts";
import type { RepositoryPolicy } from "../../core/policy.ts";
import { type Judgement, judge } from "./judgement.ts";

const INTEGRITY_VERIFIERS = ["checksum", "archive"] as const satisfies readonly VerifierId[];
type IntegrityVerifier = (typeof INTEGRITY_VERIFIERS)[number];

/**
 * What no policy can allow: bytes that are not those claimed, archives that cannot be read in one way only. Evidence that is missing counts against the archive
 * like a check that did not end. Where one verifier answered twice, both answers count.
 */
export function judgeIntegrity(evidence: readonly Evidence[], repository: RepositoryPolicy): readonly Judgement[] {
  return INTEGRITY_VERIFIERS.flatMap((verifier) => judgeIntegrityOf(verifier, evidence, repository));
}

/** The same for one of the two, where there is nothing that the other could have looked at. */
export function judgeIntegrityOf(
  verifier: IntegrityVerifier,
  evidence: readonly Evidence[],
  repository: RepositoryPolicy,
): readonly Judgement[] {
  const answers = evidence.filter((answer) => answer.verifier === verifier);
  return answers.length === 0
    ? notChecked(verifier, "it was not checked")
    : answers.flatMap((answer) => judgeAnswer(verifier, answer, repository));
}

function judgeAnswer(verifier: IntegrityVerifier, { outcome }: Evidence, repository: RepositoryPolicy): readonly Judgement[] {
  switch (outcome.kind) {
    case "invalid":
      return judge("error", { code: outcome.code, text: outcome.detail, rule: "always", verifier });
    case "unavailable":
      return notChecked(verifier, outcome.detail);
    case "absent":
      return judgeAbsent(verifier, repository);
    case "pass":
      return verifier === "checksum" && outcome.claims["strength"] !== "strong" ? judgeWeak(repository) : [];
    default:
      return outcome satisfies never;
  }
}

function judgeAbsent(verifier: IntegrityVerifier, { unclaimed }: RepositoryPolicy): readonly Judgement[] {
  if (verifier === "archive") {
    const text = "its file name promises no kind of archive that can be checked";
    return judge("error", { code: "ARCHIVE_UNSUPPORTED", text, rule: "always", verifier });
  }
  const text = "nobody claims a checksum for it, so nothing says that these are the right bytes";
  return judge(unclaimed === "allow" ? "warn" : "error", { code: "CHECKSUM_UNCLAIMED", text, rule: "unclaimed", verifier });
}

function judgeWeak({ weakChecksum }: RepositoryPolicy): readonly Judgement[] {
  const text = "SHA-1 or MD5 is all that is claimed for it; it matches, but other bytes can be made that match as well";
  return judge(weakChecksum, { code: "CHECKSUM_WEAK", text, rule: "weak_checksum", verifier: "checksum" });
}

/** No answer is not a good answer, and no policy makes it one. */
function notChecked(verifier: IntegrityVerifier, detail: string): readonly Judgement[] {
  return verifier === "checksum"
    ? judge("error", { code: "CHECKSUM_UNCLAIMED", text: `its checksum could not be checked: ${detail}`, rule: "always", verifier })
    : judge("error", { code: "ARCHIVE_LIMIT", text: `its contents could not be checked: ${detail}`, rule: "always", verifier });
}
