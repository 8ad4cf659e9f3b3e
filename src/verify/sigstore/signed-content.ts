import { createHash, type KeyObject, verify } from "node:crypto";
import type { Digests } from "../../core/digest.ts";
import type { BundleContent, HashAlgorithm } from "./bundle.ts";
import { BundleFinding, unsupported } from "./bundle-finding.ts";
import { verifyDigestSignature } from "./digest-signature.ts";
import type { LogRecord } from "./log-body.ts";

/** What a bundle's signature is over. */
export interface SignedContent {
  readonly signature: Buffer;
  /** Whether a log's digest is of this content. */
  matches(digest: LogRecord["digest"]): boolean;
  /** Whether the key made the signature. */
  verifySignature(key: KeyObject): boolean;
}

/**
 * Binds a bundle's content to the artifact. For a message the artifact is what was signed, so its computed digest stands in for it; a statement
 * names its artifacts itself. Throws SUBJECT_MISMATCH; BUNDLE_UNSUPPORTED where the signature is over a digest that was not computed.
 */
export function signedContent(content: BundleContent, digests: Digests): SignedContent {
  return content.kind === "message" ? messageContent(content, digests) : envelopeContent(content);
}

function messageContent(content: Extract<BundleContent, { kind: "message" }>, digests: Digests): SignedContent {
  const { algorithm, signature } = content;
  const computed = digests[algorithm];
  if (computed === undefined) throw unsupported(`the signature is over the artifact's ${algorithm}, which was not computed`);
  const digest = Buffer.from(computed, "hex");
  if (!content.digest.equals(digest))
    throw new BundleFinding(
      "SUBJECT_MISMATCH",
      `the bundle signs ${algorithm} ${content.digest.toString("hex")}, the artifact has ${computed}`,
    );
  return {
    signature,
    matches: (recorded) => recorded.of === "signed" && recorded.algorithm === algorithm && recorded.value.equals(digest),
    verifySignature: (key) => verifyDigestSignature(key, algorithm, digest, signature),
  };
}

function envelopeContent({ payloadType, payload, signature }: Extract<BundleContent, { kind: "dsse" }>): SignedContent {
  const encoded = preAuthEncoding(payloadType, payload);
  return {
    signature,
    matches: ({ of, algorithm, value }) =>
      createHash(algorithm)
        .update(of === "signed" ? encoded : payload)
        .digest()
        .equals(value),
    verifySignature: (key) => hashesOf(key).some((hash) => verifies(hash, encoded, key, signature)),
  };
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
export function preAuthEncoding(payloadType: string, payload: Buffer): Buffer {
  const type = Buffer.from(payloadType, "utf8");
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/**
 * Hashes that a key of this kind signs with. Clients have long used SHA-256 with the larger curves too, and the bundle does not say which it was.
 * https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md
 */
function hashesOf(key: KeyObject): readonly (HashAlgorithm | null)[] {
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case "secp384r1":
      return ["sha384", "sha256"];
    case "secp521r1":
      return ["sha512", "sha256"];
    default:
      return [key.asymmetricKeyType === "ed25519" ? null : "sha256"];
  }
}

function verifies(hash: HashAlgorithm | null, data: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(hash, data, key, signature);
  } catch {
    return false;
  }
}
