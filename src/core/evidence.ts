import type { Digest } from "./digest.ts";
import type { Signer } from "./signer.ts";
import type { Statement } from "./statement.ts";

/** One file in verify/ each, which judges archives on their way in; and `rebuild`, which somebody has to ask for: `assay audit --reproducible`. */
export const VERIFIER_IDS = ["checksum", "archive", "sigstore", "openpgp", "registry-signature", "vsa", "rebuild"] as const;
export type VerifierId = (typeof VERIFIER_IDS)[number];

/** Those that look at every archive. The others look where they have a reason to, and leave no evidence where they have none. */
export const ALWAYS_LOOKING: readonly VerifierId[] = VERIFIER_IDS.filter((id) => id !== "vsa" && id !== "rebuild");

/** Why an outcome is `invalid`, machine-readable. A closed list: documented in the README, relied on by scripts. */
export const FINDING_CODES = [
  "CHECKSUM_MISMATCH",
  "INTEGRITY_VIOLATION",
  "ARCHIVE_MALFORMED",
  "ARCHIVE_UNSAFE",
  "ARCHIVE_AMBIGUOUS",
  "ARCHIVE_LIMIT",
  "ARCHIVE_UNSUPPORTED",
  "IDENTITY_MISMATCH",
  "METADATA_MISMATCH",
  "BUNDLE_MALFORMED",
  "BUNDLE_UNSUPPORTED",
  "BUNDLE_LIMIT",
  "CERTIFICATE_INVALID",
  "CERTIFICATE_UNTRUSTED",
  "LOG_ENTRY_INVALID",
  "LOG_ENTRY_UNTRUSTED",
  "TIMESTAMP_INVALID",
  "TIMESTAMP_MISSING",
  "SIGNATURE_INVALID",
  "KEY_UNKNOWN",
  "KEY_EXPIRED",
  "KEY_REVOKED",
  "ALGORITHM_WEAK",
  "STATEMENT_MALFORMED",
  "SUBJECT_MISMATCH",
  "PREDICATE_UNSUPPORTED",
  "PREDICATE_MALFORMED",
  "PREDICATE_MISMATCH",
  "PUBLISHER_MISMATCH",
  "CLAIM_CONFLICT",
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** What a verifier learned that later stops rely on: `strength`, `metadata_sha256`, … Plain JSON, kept in the index. */
export type Claims = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/**
 * The four answers, kept apart all the way to the user. `absent`: nobody published such evidence, or `detail` says why it counts as absent.
 * `unavailable`: it could not be fetched or checked now, so it says nothing about the archive.
 * `label` names the document that it is about, where a verifier looks at several: "the provenance of six-1.0.whl, attestation 1".
 */
export type Outcome =
  | {
      readonly kind: "pass";
      readonly claims: Claims;
      readonly label?: string;
      /** Who signed, where the evidence is a signature. Whether that signer counts is for the policy to say. */
      readonly signer?: Signer;
      /** What was signed, where it is a statement. Its subject was checked; its predicate only says what the signer says. */
      readonly statement?: Statement;
    }
  | { readonly kind: "invalid"; readonly code: FindingCode; readonly detail: string; readonly label?: string }
  | { readonly kind: "absent"; readonly label?: string; readonly detail?: string }
  | { readonly kind: "unavailable"; readonly detail: string; readonly label?: string };

/** What one verifier found out about one archive. Kept for ever beside the blob; a verdict is computed from it. */
export interface Evidence {
  readonly verifier: VerifierId;
  /** Digest of the bytes that were checked. */
  readonly subject: Digest;
  /** Milliseconds since the epoch. */
  readonly checkedAt: number;
  readonly outcome: Outcome;
  /**
   * Fingerprints of the roots and keys that it was found under, where it rests on any: `root 3a7b…, keys 91cc…`. Once others hold, it says no more than what was true
   * under those, and is found out again before it counts.
   */
  readonly restsOn?: string;
}
