import type { KeyObject } from "node:crypto";
import type { HashAlgorithm } from "./bundle.ts";

/** A kind of key as Sigstore names it, with the hash that it signs; none where it signs the message itself. */
interface KeyDetails {
  /** `ec secp384r1`, `rsa 2048`, `ed25519`. */
  readonly key: string;
  readonly hash?: HashAlgorithm;
}

/** Without the kinds that are deprecated there, which logs of the second generation never took. */
const KEY_DETAILS: ReadonlyMap<string, KeyDetails> = new Map<string, KeyDetails>([
  ["PKIX_ECDSA_P256_SHA_256", { key: "ec prime256v1", hash: "sha256" }],
  ["PKIX_ECDSA_P384_SHA_384", { key: "ec secp384r1", hash: "sha384" }],
  ["PKIX_ECDSA_P521_SHA_512", { key: "ec secp521r1", hash: "sha512" }],
  ["PKIX_RSA_PKCS1V15_2048_SHA256", { key: "rsa 2048", hash: "sha256" }],
  ["PKIX_RSA_PKCS1V15_3072_SHA256", { key: "rsa 3072", hash: "sha256" }],
  ["PKIX_RSA_PKCS1V15_4096_SHA256", { key: "rsa 4096", hash: "sha256" }],
  ["PKIX_ED25519", { key: "ed25519" }],
  ["PKIX_ED25519_PH", { key: "ed25519", hash: "sha512" }],
]);

/**
 * Whether a key is of the kind that this name stands for and, where a digest was signed, signs digests of that algorithm. False for unknown names.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_common.proto
 */
export function isDescribedBy(key: KeyObject, name: string, signed: HashAlgorithm | undefined): boolean {
  const details = KEY_DETAILS.get(name);
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const kind = [key.asymmetricKeyType, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(" ");
  return details?.key === kind && (signed === undefined || details.hash === signed);
}
