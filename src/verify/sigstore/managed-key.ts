import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { quote } from "../../core/quote.ts";
import { BundleFinding } from "./bundle-finding.ts";
import { checkKeyStrength } from "./key-strength.ts";

/** A public key that the operator, a registry or a trust root vouches for, for bundles that are signed without a certificate. */
export interface ManagedKey {
  /** Becomes `keyId` of the signer. */
  readonly name: string;
  /** Hint by which bundles ask for it; without one it serves every bundle, whatever its hint. */
  readonly hint?: string;
  /** SubjectPublicKeyInfo as PEM. */
  readonly pem: string;
  /** When it may have signed: milliseconds since the epoch, both ends included. */
  readonly validFrom?: number;
  readonly validUntil?: number;
}

export interface UsableKey {
  readonly name: string;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo as DER. */
  readonly der: Buffer;
  readonly validFrom: number;
  readonly validUntil: number;
}

/**
 * The key that a bundle's log entry was recorded with, among those that answer to its hint. A hint is not signed, so it only narrows the choice.
 * Throws a BundleFinding: KEY_UNKNOWN, ALGORITHM_WEAK.
 */
export function selectKey(keys: readonly ManagedKey[], hint: string, recorded: Buffer): UsableKey {
  const candidates = keys.filter((key) => key.hint === undefined || key.hint === hint).map(readKey);
  const selected = candidates.find(({ der }) => der.equals(recorded));
  if (selected !== undefined) {
    checkKeyStrength(selected.key, `the key ${quote(selected.name)}`);
    return selected;
  }
  const fingerprint = createHash("sha256").update(recorded).digest("base64");
  throw new BundleFinding(
    "KEY_UNKNOWN",
    `the bundle is signed with a key that is not among the known ones: hint ${quote(hint)}, SHA256:${fingerprint}`,
  );
}

/** Throws a BundleFinding KEY_EXPIRED unless the key was valid at each of these times (milliseconds since the epoch). */
export function requireValid({ name, validFrom, validUntil }: UsableKey, times: readonly number[]): void {
  const outside = times.find((time) => time < validFrom || time > validUntil);
  if (outside === undefined) return;
  const side = outside < validFrom ? "before the key" : "after the end of the key";
  throw new BundleFinding("KEY_EXPIRED", `the bundle was signed on ${new Date(outside).toISOString()}, ${side} ${quote(name)} was valid`);
}

function readKey({ name, pem, validFrom = Number.NEGATIVE_INFINITY, validUntil = Number.POSITIVE_INFINITY }: ManagedKey): UsableKey {
  try {
    const key = createPublicKey(pem);
    return { name, key, der: key.export({ type: "spki", format: "der" }), validFrom, validUntil };
  } catch {
    throw new BundleFinding("KEY_UNKNOWN", `the key ${quote(name)} that the bundle asks for is not a public key in PEM`);
  }
}
