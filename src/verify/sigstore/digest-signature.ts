import { constants, createHash, type KeyObject, publicDecrypt } from "node:crypto";
import { eddsa } from "@noble/curves/abstract/edwards.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { HashAlgorithm } from "./bundle.ts";

const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

/** DER of `DigestInfo` up to the digest. RFC 8017 section 9.2, note 1. */
const DIGEST_INFO: Readonly<Record<HashAlgorithm, string>> = {
  sha256: "3031300d060960864801650304020105000420",
  sha384: "3041300d060960864801650304020205000430",
  sha512: "3051300d060960864801650304020305000440",
};

/**
 * Verifies a signature when only the digest of what was signed is at hand: Assay streams archives and never holds one whole. node:crypto hashes
 * by itself and takes no digest, so ECDSA goes through @noble/curves. False for whatever does not verify. Never throws.
 */
export function verifyDigestSignature(key: KeyObject, algorithm: HashAlgorithm, digest: Buffer, signature: Buffer): boolean {
  try {
    switch (key.asymmetricKeyType) {
      case "ec":
        return verifyEcdsa(key, digest, signature);
      case "rsa":
        return verifyRsa(key, algorithm, digest, signature);
      case "ed25519":
        return algorithm === "sha512" && ed25519OverDigest.verify(signature, digest, publicBytes(key));
      default:
        return false;
    }
  } catch {
    return false;
  }
}

function verifyEcdsa(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  const curve = Object.entries(CURVES).find(([name]) => name === namedCurve)?.[1];
  // Sigstore's clients do not keep `s` to the lower half of the order.
  return curve?.verify(signature, digest, publicBytes(key), { prehash: false, lowS: false, format: "der" }) ?? false;
}

/** PKCS #1 v1.5. OpenSSL takes off the padding, which it checks; what is left must be nothing but the digest and its algorithm. */
function verifyRsa(key: KeyObject, algorithm: HashAlgorithm, digest: Buffer, signature: Buffer): boolean {
  const signed = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
  return signed.equals(Buffer.concat([Buffer.from(DIGEST_INFO[algorithm], "hex"), digest]));
}

const sha512 = (message: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(createHash("sha512").update(message).digest());

/** Ed25519ph, RFC 8032 section 5.1, given the SHA-512 of the message. Plain Ed25519 needs the message itself; no log records that for a file. */
const ed25519OverDigest = eddsa(ed25519.Point, sha512, {
  prehash: (digest: Uint8Array) => new Uint8Array(digest),
  domain: (data: Uint8Array) => new Uint8Array(Buffer.concat([Buffer.from("SigEd25519 no Ed25519 collisions\x01\x00", "latin1"), data])),
});

function publicBytes(key: KeyObject): Buffer {
  const { x = "", y } = key.export({ format: "jwk" });
  return y === undefined
    ? Buffer.from(x, "base64url")
    : Buffer.concat([Buffer.of(0x04), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}
