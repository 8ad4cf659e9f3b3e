import { type Evidence, VERIFIER_IDS, type VerifierId } from "../core/evidence.ts";
import type { RepositoryPolicy } from "../core/policy.ts";
import type { Reason, ReasonCode, Verdict } from "../core/verdict.ts";

/**
 * The verdict over one archive, from what the verifiers found. Pure: replayed for `explain` and after every policy change.
 * Admits only where every verifier has answered; evidence that is missing counts against the archive like a check that did not end.
 * Where one verifier answered twice, both answers count.
 */
export function decide(evidence: readonly Evidence[], policy: RepositoryPolicy): Verdict {
  const reasons: Reason[] = [];
  const warnings: Reason[] = [];
  for (const verifier of VERIFIER_IDS) {
    const answers = evidence.filter((answer) => answer.verifier === verifier);
    const findings = answers.length === 0 ? [notChecked(verifier, "it was not checked")] : answers.map((answer) => judge(answer, policy));
    for (const finding of findings) {
      if (finding?.effect === "refuse") reasons.push(finding.reason);
      else if (finding) warnings.push(finding.reason);
    }
  }
  const [first, ...others] = reasons;
  return first ? { kind: "refuse", reasons: [first, ...others] } : { kind: "admit", warnings };
}

interface Finding {
  readonly effect: "refuse" | "warn";
  readonly reason: Reason;
}

function judge(evidence: Evidence, policy: RepositoryPolicy): Finding | undefined {
  const { verifier, outcome } = evidence;
  switch (outcome.kind) {
    case "invalid":
      return refuse(verifier, "always", outcome.code, outcome.detail);
    case "unavailable":
      return notChecked(verifier, outcome.detail);
    case "absent":
      return judgeAbsent(verifier, policy);
    case "pass":
      return verifier === "checksum" && outcome.claims["strength"] !== "strong" ? judgeWeak(policy) : undefined;
    default:
      return outcome satisfies never;
  }
}

function judgeAbsent(verifier: VerifierId, policy: RepositoryPolicy): Finding {
  switch (verifier) {
    case "checksum":
      return {
        effect: policy.unclaimed === "allow" ? "warn" : "refuse",
        reason: reason(
          verifier,
          "unclaimed",
          "CHECKSUM_UNCLAIMED",
          "nobody claims a checksum for it, so nothing says that these are the right bytes",
        ),
      };
    case "archive":
      return refuse(verifier, "always", "ARCHIVE_UNSUPPORTED", "its file name promises no kind of archive that can be checked");
    default:
      return verifier satisfies never;
  }
}

function judgeWeak(policy: RepositoryPolicy): Finding {
  const text = "SHA-1 or MD5 is all that is claimed for it; it matches, but other bytes can be made that match as well";
  return {
    effect: policy.weakChecksum === "error" ? "refuse" : "warn",
    reason: reason("checksum", "weak_checksum", "CHECKSUM_WEAK", text),
  };
}

/** No answer is not a good answer, and no policy makes it one. */
function notChecked(verifier: VerifierId, detail: string): Finding {
  switch (verifier) {
    case "checksum":
      return refuse(verifier, "always", "CHECKSUM_UNCLAIMED", `its checksum could not be checked: ${detail}`);
    case "archive":
      return refuse(verifier, "always", "ARCHIVE_LIMIT", `its contents could not be checked: ${detail}`);
    default:
      return verifier satisfies never;
  }
}

function refuse(verifier: VerifierId, rule: string, code: ReasonCode, text: string): Finding {
  return { effect: "refuse", reason: reason(verifier, rule, code, text) };
}

function reason(verifier: VerifierId, rule: string, code: ReasonCode, text: string): Reason {
  return { code, rule, verifier, text, help: HELP[code] };
}

const REPORT_IT = "do not install it by another way; tell the package's maintainers, and use another version";

/** The next step, by reason. */
const HELP: Readonly<Record<ReasonCode, string>> = {
  CHECKSUM_MISMATCH: "the bytes changed on the way or at their source: try again later, and if it stays so, tell who runs the upstream",
  INTEGRITY_VIOLATION:
    "the archive was replaced after it was published: do not install it by another way; tell its maintainers and who runs the upstream",
  ARCHIVE_MALFORMED: "the archive is damaged, or made to confuse: use another version, and tell the package's maintainers",
  ARCHIVE_UNSAFE: REPORT_IT,
  ARCHIVE_AMBIGUOUS: REPORT_IT,
  ARCHIVE_LIMIT: "if an archive of that size is right, the operator can raise the limits of this mirror",
  ARCHIVE_UNSUPPORTED: "use another file or version of the package: a wheel, a .tar.gz or a .zip",
  IDENTITY_MISMATCH:
    "the archive is another package or version than its name says: use another version, and tell the package's maintainers",
  METADATA_MISMATCH: "the index describes another archive than it serves: use another version, and tell who runs the upstream",
  CHECKSUM_UNCLAIMED: "use an upstream that publishes checksums, or set `unclaimed: allow` for this repository if you trust it without",
  CHECKSUM_WEAK: "use a version with a SHA-256 or SHA-512 checksum, or set `weak_checksum: warn` for this repository",
};
