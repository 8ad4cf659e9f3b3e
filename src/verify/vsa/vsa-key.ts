import { createPublicKey, type KeyObject } from "node:crypto";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";

/** A key whose verification summaries the policy accepts. */
export interface VsaKey {
  /** As the policy names it; the signer is known by it. */
  readonly keyId: string;
  readonly key: KeyObject;
}

/** Reads a public key in PEM: Ed25519, or ECDSA over P-256. Throws CONFIG_INVALID for anything else, a private key too. */
export function parseVsaKey(keyId: string, pem: string): VsaKey {
  const unusable = (why: string, cause?: unknown): AssayError =>
    new AssayError("CONFIG_INVALID", `the key ${quote(keyId)} ${why}`, { cause, help: "give an Ed25519 or P-256 public key in PEM" });
  if (!pem.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) throw unusable("is not a public key in PEM");
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw unusable("cannot be read", error);
  }
  const isP256 = key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
  if (key.asymmetricKeyType !== "ed25519" && !isP256) throw unusable("is neither Ed25519 nor P-256");
  return { keyId, key };
}
