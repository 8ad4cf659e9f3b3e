import type { KeyObject } from "node:crypto";
import { BundleFinding } from "./bundle-finding.ts";

const CURVES: ReadonlySet<string | undefined> = new Set(["prime256v1", "secp384r1", "secp521r1"]);
const MIN_RSA_BITS = 2048;

/** Throws ALGORITHM_WEAK unless it is an ECDSA key on a NIST curve from P-256 on, an Ed25519 key, or an RSA key of at least 2048 bits. */
export function checkKeyStrength(key: KeyObject, subject: string): void {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return;
    case "ec":
      if (CURVES.has(namedCurve)) return;
      throw weak(`${subject} is on another curve than P-256, P-384 and P-521`);
    case "rsa":
      if (modulusLength >= MIN_RSA_BITS) return;
      throw weak(`${subject} is RSA with ${modulusLength} bits, fewer than ${MIN_RSA_BITS}`);
    default:
      throw weak(`${subject} is none of ECDSA, Ed25519 and RSA`);
  }
}

const weak = (detail: string): BundleFinding => new BundleFinding("ALGORITHM_WEAK", detail);
