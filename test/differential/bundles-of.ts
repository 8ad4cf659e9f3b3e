import type { Loose } from "../support/sigstore-instance.ts";
import type { OracleRequest } from "./oracle.ts";

/**
 * The bundles that a document stands for, taken apart without a check, so that a verifier of bundles sees whatever was done to it. None for text that is
 * no such document. https://packaging.python.org/en/latest/specifications/index-hosted-attestations/#attestation-objects
 */
export function bundlesOf(kind: OracleRequest["kind"], document: Buffer): readonly string[] {
  if (kind === "bundle") return [document.toString("base64")];
  try {
    const json: Loose = JSON.parse(document.toString("utf8"));
    const attestations: readonly Loose[] =
      kind === "attestation" ? [json] : json.attestation_bundles.flatMap((bundle: Loose) => bundle.attestations);
    return attestations.map((attestation) => Buffer.from(JSON.stringify(bundleOf(attestation))).toString("base64"));
  } catch {
    return [];
  }
}

function bundleOf({ verification_material: material, envelope }: Loose): Loose {
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: material.certificate },
      tlogEntries: material.transparency_entries.slice(0, 1),
      ...(material.timestamps
        ? { timestampVerificationData: { rfc3161Timestamps: material.timestamps.map((each: Loose) => ({ signedTimestamp: each })) } }
        : {}),
    },
    dsseEnvelope: {
      payload: envelope.statement,
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: envelope.signature }],
    },
  };
}
