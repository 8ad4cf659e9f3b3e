import { verify } from "node:crypto";
import { type Checked, found, passed } from "../../core/finding.ts";
import type { SignedItem } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { RegistryKey } from "./registry-keys.ts";

export type RegistrySignature = Extract<SignedItem, { readonly kind: "registry-signature" }>;

/**
 * Checks a registry's ECDSA signature (P-256, SHA-256, DER) over its message, npm's `name@version:integrity`. That the integrity in the message is that of
 * the archive's bytes is the caller's to check. KEY_UNKNOWN: the registry signs with a key that was not given. KEY_EXPIRED: the key was no longer
 * valid when the version was published, or that time is not known; or it is not valid yet. The time is not part of the message: it is the index's word
 * that keeps an old, perhaps stolen key from signing new versions, so an old key never signs a version whose time is recent or missing.
 */
export function verifyRegistrySignature(
  item: RegistrySignature,
  keys: readonly RegistryKey[],
  now: number,
): Checked<{ readonly signer: Signer }> {
  const named = keys.filter(({ keyId, usage }) => keyId === item.keyId && usage !== "npm:attestations");
  if (named.length === 0)
    return found("KEY_UNKNOWN", `it is made by the key ${quote(item.keyId)}, which is none of the registry's ${keys.length} known ones`);
  const signature = decode(item.signature);
  const signed =
    signature && named.find(({ key }) => verify("sha256", Buffer.from(item.message, "utf8"), { key, dsaEncoding: "der" }, signature));
  if (!signed) return found("SIGNATURE_INVALID", `the key ${quote(item.keyId)} did not sign ${quote(item.message)}`);
  const expired = whyNotValid(signed, item.publishedAt, now);
  if (expired !== undefined) return found("KEY_EXPIRED", `the key ${quote(item.keyId)} ${expired}`);
  return passed({ signer: { kind: "registry", keyId: item.keyId } });
}

/**
 * The start is held against now and not against the publish time: registries sign old versions anew with a new key, as npm did when it began to sign,
 * and whoever has the new key can have any time written in the index.
 */
function whyNotValid({ validFrom, validUntil }: RegistryKey, publishedAt: number | undefined, now: number): string | undefined {
  if (validFrom !== undefined && now < validFrom) return `is not valid before ${day(validFrom)}`;
  if (validUntil === undefined) return undefined;
  if (publishedAt === undefined)
    return now < validUntil ? undefined : `ended on ${day(validUntil)}, and when the version was published is not known`;
  return publishedAt < validUntil ? undefined : `ended on ${day(validUntil)}, before the version was published on ${day(publishedAt)}`;
}

function decode(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : undefined;
}

/** Times from an index may be beyond what a date can be. */
function day(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "an impossible date" : date.toISOString().slice(0, 10);
}
