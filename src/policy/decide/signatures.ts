import type { Claims, Evidence, FindingCode, VerifierId } from "../../core/evidence.ts";
import type { Signer } from "../../core/signer.ts";
import { LEVELS, type Level, type Statement } from "../../core/statement.ts";

/** A signature that verified, about these bytes. Whether its signer counts is still open. */
export interface VerifiedSignature {
  readonly verifier: VerifierId;
  readonly label: string | undefined;
  readonly signer: Signer;
  readonly statement?: Statement;
  /** The level that another Assay's verdict states. How far its word is taken is still open. */
  readonly vouched?: Level;
}

/** A signature that proves nothing, and what is wrong with it. */
export interface InvalidSignature {
  readonly verifier: VerifierId;
  readonly code: FindingCode;
  readonly detail: string;
}

/** The evidence of all verifiers of signatures, sorted by what it comes to. */
export interface Signatures {
  readonly verified: readonly VerifiedSignature[];
  readonly invalid: readonly InvalidSignature[];
  /** Made with keys that nobody named: nothing is known about them, neither good nor bad. */
  readonly unknown: readonly InvalidSignature[];
  readonly unavailable: readonly string[];
  /** Why some that were announced count as absent. */
  readonly discounted: readonly string[];
}

const SIGNATURE_VERIFIERS: ReadonlySet<VerifierId> = new Set<VerifierId>(["sigstore", "openpgp", "registry-signature", "vsa"]);

export function signaturesOf(evidence: readonly Evidence[]): Signatures {
  const verified: VerifiedSignature[] = [];
  const invalid: InvalidSignature[] = [];
  const unknown: InvalidSignature[] = [];
  const unavailable: string[] = [];
  const discounted: string[] = [];
  for (const { verifier, outcome } of evidence) {
    if (!SIGNATURE_VERIFIERS.has(verifier)) continue;
    switch (outcome.kind) {
      case "pass":
        if (!outcome.signer) throw new Error(`${verifier} passed a signature without saying whose it is`);
        verified.push({
          verifier,
          label: outcome.label,
          signer: outcome.signer,
          ...(outcome.statement ? { statement: outcome.statement } : {}),
          ...vouchedIn(verifier, outcome.claims),
        });
        break;
      case "invalid": {
        const detail = labelled(outcome.label, outcome.detail);
        (outcome.code === "KEY_UNKNOWN" ? unknown : invalid).push({ verifier, code: outcome.code, detail });
        break;
      }
      case "unavailable":
        unavailable.push(labelled(outcome.label, outcome.detail));
        break;
      case "absent":
        if (outcome.detail !== undefined) discounted.push(labelled(outcome.label, outcome.detail));
        break;
      default:
        outcome satisfies never;
    }
  }
  return { verified, invalid, unknown, unavailable, discounted };
}

/** How there came to be no evidence, for the end of a sentence. */
export function describeNone({ discounted }: Pick<Signatures, "discounted">, otherwise: string): string {
  return discounted.length === 0 ? otherwise : `none: ${discounted.join("; ")}`;
}

function labelled(label: string | undefined, detail: string): string {
  return label === undefined ? detail : `${label}: ${detail}`;
}

function vouchedIn(verifier: VerifierId, claims: Claims): Pick<VerifiedSignature, "vouched"> {
  const vouched = verifier === "vsa" ? LEVELS.find((level) => level === claims["level"]) : undefined;
  return vouched ? { vouched } : {};
}

const OWN_KINDS: ReadonlySet<Signer["kind"]> = new Set<Signer["kind"]>(["sigstore", "openpgp"]);

/**
 * The signatures of those who make packages. A registry signs whatever it serves, and npm's attests with a managed key that it published what has provenance,
 * whoever's it is: that says nothing about who made a package.
 */
export function ownSignatures(verified: readonly VerifiedSignature[]): readonly VerifiedSignature[] {
  return verified.filter(({ signer }) => OWN_KINDS.has(signer.kind));
}

/** A signer in words for people, short enough for a reason phrase. */
export function describeSigner(signer: Signer): string {
  switch (signer.kind) {
    case "sigstore":
      return `${signer.source.repository ?? signer.identity.value} (${signer.issuer})`;
    case "openpgp":
      return `the OpenPGP key ${signer.fingerprint}`;
    case "registry":
      return `the registry key ${signer.keyId}`;
    case "key":
      return `the key ${signer.keyId}`;
    case "vsa":
      return `the mirror with the key ${signer.keyId}`;
    default:
      return signer satisfies never;
  }
}
