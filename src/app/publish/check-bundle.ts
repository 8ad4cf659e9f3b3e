import { AssayError } from "../../core/errors.ts";
import type { SigstoreSigner } from "../../core/signer.ts";
import { compareWithCertificate } from "../../verify/provenance/compare-with-certificate.ts";
import { readPredicate } from "../../verify/provenance/read-predicate.ts";
import type { TrustRoot } from "../../verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../verify/sigstore/verify-bundle.ts";

/** A bundle that we made and then verified as a mirror would. */
export interface CheckedBundle {
  readonly signer: SigstoreSigner;
  readonly logIndex: number;
  /** Milliseconds since the epoch. */
  readonly signedAt: number;
  /** What keeps it from making the level that its maker wants, in words for people. */
  readonly warnings: readonly string[];
}

/**
 * Verifies a bundle before anybody else sees it, by the rules of the mirror: a signature that no Assay would take is not worth uploading. Throws UNPROCESSABLE, with the mirror's own
 * reason, where it does not verify under `root` or where a statement contradicts the certificate.
 */
export function checkBundle(bundle: Buffer, sha256: string, root: TrustRoot): CheckedBundle {
  const verified = verifyBundle({ bundle, root, artifact: { digests: { sha256 } } });
  if (!verified.ok) {
    throw refused(
      verified.finding.detail,
      `it was checked under the Sigstore root ${root.name}: --trusted-root names that of another instance`,
    );
  }
  const { signer, content, log, signedAt } = verified.value;
  if (signer.kind !== "sigstore") throw refused("it has no certificate", "sign with a Sigstore instance");
  const warnings = content.kind === "statement" ? provenanceWarnings(content.statement, signer) : [];
  return { signer, logIndex: log.logIndex, signedAt, warnings };
}

function provenanceWarnings(statement: Parameters<typeof readPredicate>[0], signer: SigstoreSigner): readonly string[] {
  const predicate = readPredicate(statement);
  const agreement = predicate.ok ? compareWithCertificate(predicate.value, signer) : predicate;
  if (!agreement.ok) throw refused(agreement.finding.detail, "the statement and the identity that signs it must be of one build");
  const { repository, commit, ref, warnings } = agreement.value;
  const unproven = Object.entries({ repository, commit, ref }).flatMap(([what, how]) => (how === "confirmed" ? [] : [what]));
  return unproven.length === 0
    ? warnings
    : [
        ...warnings,
        `the certificate of ${signer.identity.value} does not show the ${unproven.join(", ")}: only a CI service's identity makes level L2`,
      ];
}

function refused(why: string, help: string): AssayError {
  return new AssayError("UNPROCESSABLE", `what was signed would be refused, so it goes nowhere: ${why}`, { help });
}
