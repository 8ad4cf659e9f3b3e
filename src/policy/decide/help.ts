import type { ReasonCode } from "../../core/verdict.ts";

const REPORT_IT = "do not install it by another way; tell the package's maintainers, and use another version";
const FORGED = "evidence for this archive does not verify: tell its maintainers and whoever runs the upstream";
const TRUST_ROOT = "refresh the trust root if it is old; otherwise the signature is of an instance that this mirror does not trust";

/** The next step, by reason. */
export const HELP: Readonly<Record<ReasonCode, string>> = {
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
  BUNDLE_MALFORMED: FORGED,
  BUNDLE_UNSUPPORTED: "the evidence is of a kind that this version of Assay cannot check",
  BUNDLE_LIMIT: FORGED,
  CERTIFICATE_INVALID: FORGED,
  CERTIFICATE_UNTRUSTED: TRUST_ROOT,
  LOG_ENTRY_INVALID: FORGED,
  LOG_ENTRY_UNTRUSTED: TRUST_ROOT,
  TIMESTAMP_INVALID: FORGED,
  TIMESTAMP_MISSING: FORGED,
  SIGNATURE_INVALID: FORGED,
  KEY_UNKNOWN: "add the key's full fingerprint to a signer of the policy if it is whom you trust",
  KEY_EXPIRED: "ask the signer for a signature by a key that is valid",
  KEY_REVOKED: "ask the signer for a signature by a key that is valid",
  ALGORITHM_WEAK: "ask the signer for a signature with a current algorithm",
  STATEMENT_MALFORMED: FORGED,
  SUBJECT_MISMATCH: "the evidence is about another archive: tell the package's maintainers and whoever runs the upstream",
  PREDICATE_UNSUPPORTED: "the statement is of a kind that this version of Assay does not know",
  PREDICATE_MALFORMED: "the statement lacks what its kind requires: tell the package's maintainers",
  PREDICATE_MISMATCH: "the statement and the certificate that signed it contradict each other: tell the package's maintainers",
  PUBLISHER_MISMATCH: "the index names another publisher than the certificate: tell whoever runs the upstream",
  CLAIM_CONFLICT: FORGED,
  DENIED: "use another version; only a waiver in the policy lets this one through",
  GOVERNANCE: "the organisation's gates for AAM packages block it; they are set under `governance` of the policy",
  TOO_YOUNG: "wait, or use an older version; a waiver in the policy lets this one through at once",
  SIGNATURE_MISSING: "use a signed version, or ask the maintainers to sign; a rule or waiver in the policy can let unsigned ones through",
  SIGNER_UNTRUSTED: "if this signer may publish the package, add them to the rule's `signed_by` in the policy",
  SIGNER_CHANGED:
    "find out whether the project moved: if it did, name the new signer in a rule's `signed_by`, or waive first_use for this version",
  EVIDENCE_LOST: "find out why this one is not attested as those before it were; if it is right, waive no_downgrade for this version",
  EVIDENCE_UNAVAILABLE: "try again soon; if this upstream never hands on what its index announces, set `evidence: as_served` for it",
  PROVENANCE_TOO_LOW: "use a version with better provenance, or let a rule of the policy ask for less",
  UPSTREAM_NOT_ALLOWED: "the policy binds this name to one upstream: publish it there, or change the rule's `upstream`",
};
