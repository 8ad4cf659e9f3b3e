import { formatIntegrity } from "../../core/digest.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { EcosystemRequest, Freshness, PageAnswer } from "../../core/ports/ecosystem.ts";
import type { KnownPackage } from "./known-package.ts";
import type { PackageName } from "./names.ts";
import { latestVersion, type PackageVersion } from "./package.ts";

/** Where clients reach this repository: origin and mount, without a final slash. */
export function baseOf(request: EcosystemRequest): string {
  return `${request.origin}${request.mount}`;
}

/** Every version of a package, as `GET /packages/:name` answers. */
export function packageDocument(known: KnownPackage, base: string): JsonObject {
  const found = known.package;
  return {
    ...found.fields,
    name: found.name,
    versions: Object.fromEntries([...found.versions.values()].map((version) => [version.version, versionDocument(known, version, base)])),
    "dist-tags": distTags(known),
  };
}

/** One version. Addresses are ours, so that everything a client fetches comes by the verified road. */
export function versionDocument(known: KnownPackage, version: PackageVersion, base: string): JsonObject {
  const { name } = known.package;
  const address = `${base}/packages/${name}/${version.version}`;
  const integrity = integrityOf(known, version);
  const sizeBytes = version.sizeBytes ?? known.admissions.get(version.version)?.sizeBytes;
  return {
    ...version.fields,
    name,
    version: version.version,
    ...(integrity === undefined ? {} : { integrity }),
    ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
    tarball: `${address}/tarball`,
    signature: `${address}/signature`,
    yanked: version.yanked,
  };
}

/**
 * `sha256-<base64>`, as section 12.5 writes it: of what we admitted, since those are the bytes that we serve, whatever upstream claims by now;
 * else upstream's claim.
 */
export function integrityOf(known: KnownPackage, version: PackageVersion): string | undefined {
  const admission = known.admissions.get(version.version);
  if (admission) return formatIntegrity("sha256", admission.digest);
  const claim = version.claims.find((one) => one.algorithm === "sha256") ?? version.claims[0];
  return claim && formatIntegrity(claim.algorithm, claim.hex);
}

/** Upstream's tags as they are, but for a `latest` that was yanked: new installs follow it. Section 12.7. */
export function distTags(known: KnownPackage): JsonObject {
  const { latest, ...others } = Object.fromEntries(known.package.distTags);
  const newest = latest && latestVersion(known.package);
  return newest ? { latest: newest, ...others } : others;
}

interface PageOptions {
  readonly contentType: string;
  readonly freshness: Freshness;
  /** The package it is about. */
  readonly name?: PackageName;
  readonly headers?: Readonly<Record<string, string>>;
}

export function jsonPage(value: JsonValue, { contentType, freshness, name, headers }: PageOptions): PageAnswer {
  return {
    kind: "page",
    contentType,
    body: jsonBody(value),
    freshness,
    varies: { accept: true, origin: true },
    ...(name === undefined ? {} : { name }),
    ...(headers === undefined ? {} : { headers }),
  };
}

export function jsonBody(value: JsonValue): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
