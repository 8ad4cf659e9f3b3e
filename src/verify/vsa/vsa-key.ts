import { createPublicKey, type KeyObject } from "node:crypto";
import { AssayError } from "../../core/errors.ts";
import { keyIdOf } from "../../core/key-id.ts";
import { quote } from "../../core/quote.ts";

/** A key whose verification summaries the policy accepts. */
export interface VsaKey {
  /** As the policy names it and `keyIdOf` makes it; the signer is known by it. */
  readonly keyId: string;
  readonly key: KeyObject;
}

const BLOCK = "-----BEGIN PUBLIC KEY-----";
/** A key and those that it replaced. */
const MAX_KEYS = 64;

/**
 * Reads a file of public keys in PEM, one block after the other: Ed25519, or ECDSA over P-256. `source` names it in messages.
 * Throws CONFIG_INVALID for anything else, a private key too.
 */
export function parseVsaKeys(source: string, text: string): readonly [VsaKey, ...VsaKey[]] {
  const unusable = (why: string, cause?: unknown): AssayError =>
    new AssayError("CONFIG_INVALID", `${source} ${why}`, {
      cause,
      help: "give Ed25519 or P-256 public keys in PEM, as `assay keys show --pem` prints them",
    });
  if (text.includes("PRIVATE KEY-----")) throw unusable("holds a private key, which has no business here");
  const blocks = text.split(BLOCK).slice(1);
  if (blocks.length > MAX_KEYS) throw unusable(`holds ${blocks.length} keys, more than ${MAX_KEYS}`);
  const [first, ...others] = blocks.map((block): VsaKey => {
    let key: KeyObject;
    try {
      key = createPublicKey(BLOCK + block);
    } catch (error) {
      throw unusable("holds a key that cannot be read", error);
    }
    const isP256 = key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
    if (key.asymmetricKeyType !== "ed25519" && !isP256) throw unusable("holds a key that is neither Ed25519 nor P-256");
    return { keyId: keyIdOf(key), key };
  });
  if (!first) throw unusable("holds no public key in PEM");
  return [first, ...others];
}

/** The key with this id. Throws CONFIG_INVALID where the file has it not. */
export function vsaKeyIn(source: string, text: string, keyId: string): VsaKey {
  const keys = parseVsaKeys(source, text);
  const key = keys.find((each) => each.keyId === keyId);
  if (key) return key;
  const held = keys.map((each) => each.keyId).join(", ");
  throw new AssayError("CONFIG_INVALID", `${source} has no key with the id ${quote(keyId)}, only ${held}`, {
    help: "compare the id with whoever runs that mirror, then correct the file or the policy",
  });
}
