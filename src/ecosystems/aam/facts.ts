import { type Checksum, formatIntegrity } from "../../core/digest.ts";
import type { Evidence } from "../../core/evidence.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import type { Signer } from "../../core/signer.ts";
import type { KnownPackage } from "./known-package.ts";
import type { Version } from "./names.ts";
import { latestVersion, type PackageVersion } from "./package.ts";

/*
 * What is said of a package in both dialects. Each fact is made here and nowhere else, so that a client of one cannot be told something other than a client of
 * the other.
 */

/** The digest of what we admitted, since those are the bytes that we serve, whatever upstream claims by now; else upstream's claim. */
export function checksumOf(known: KnownPackage, version: PackageVersion): Pick<Checksum, "algorithm" | "hex"> | undefined {
  const admission = known.admissions.get(version.version);
  if (admission) return { algorithm: "sha256", hex: admission.digest };
  return version.claims.find((claim) => claim.algorithm === "sha256") ?? version.claims[0];
}

/** The same as `sha256-<base64>`, as section 12.5 writes it. */
export function integrityOf(known: KnownPackage, version: PackageVersion): string | undefined {
  const checksum = checksumOf(known, version);
  return checksum && formatIntegrity(checksum.algorithm, checksum.hex);
}

/** Bytes of the archive: counted where we hold it, else as upstream says. */
export function sizeOf(known: KnownPackage, version: PackageVersion): number | undefined {
  return known.admissions.get(version.version)?.sizeBytes ?? version.sizeBytes;
}

/** Upstream's tags as they are, but for a `latest` that was yanked: new installs follow it. Section 12.7. */
export function distTags({ package: found }: KnownPackage): ReadonlyMap<string, Version> {
  if (!found.distTags.has("latest")) return found.distTags;
  const { distTags: tags } = found;
  const newest = latestVersion(found);
  return new Map([...(newest ? [["latest", newest] as const] : []), ...[...tags].filter(([tag]) => tag !== "latest")]);
}

/** `{message, replacement?}` of a version that its publisher, or we, advise against. */
export function deprecationOf(version: PackageVersion): JsonObject | undefined {
  const { deprecated } = version.fields;
  return isJsonObject(deprecated) ? deprecated : undefined;
}

/**
 * Who signed it, as `{type, identity, issuer?, verified}`: the signers that we verified where we hold the archive; before that what upstream says, which is no
 * more than a hint that there is a signature, whatever upstream calls it.
 */
export function signersOf(known: KnownPackage, version: PackageVersion): readonly JsonObject[] {
  const admission = known.admissions.get(version.version);
  if (admission) return admission.evidence.flatMap(signerOf);
  const { signatures } = version.fields;
  const claimed = Array.isArray(signatures) ? (signatures as readonly JsonValue[]).filter(isJsonObject) : [];
  return claimed.map((signature) => ({ ...signature, verified: false }));
}

function signerOf({ outcome }: Evidence): readonly JsonObject[] {
  if (outcome.kind !== "pass" || !outcome.signer) return [];
  return [{ ...describeSigner(outcome.signer), verified: true }];
}

function describeSigner(signer: Signer): JsonObject {
  switch (signer.kind) {
    case "sigstore":
      return { type: "sigstore", identity: signer.identity.value, issuer: signer.issuer };
    case "key":
      return { type: "sigstore", identity: signer.keyId };
    case "openpgp":
      return { type: "gpg", identity: signer.fingerprint };
    case "registry":
    case "vsa":
      return { type: "registry-attestation", identity: signer.keyId };
    default:
      return signer satisfies never;
  }
}
