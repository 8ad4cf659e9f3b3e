import semver from "semver";
import type { Checksum } from "../../core/digest.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ListedFile, Listing } from "../../core/ports/index-store.ts";
import { archiveFile, type PackageName, type Version } from "./names.ts";

/** One version, whichever kind of registry says so. */
export interface PackageVersion {
  readonly version: Version;
  /** Where the archive is. */
  readonly url: URL;
  readonly claims: readonly Checksum[];
  readonly sizeBytes?: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt?: number;
  readonly yanked: boolean;
  /** Whether it is this mirror that took it back, because it would be refused. */
  readonly refused?: true;
  /** What else the registry says about it: passed on, never relied on. */
  readonly fields: JsonObject;
}

/** A package with all its versions. */
export interface Package {
  readonly name: PackageName;
  readonly fields: JsonObject;
  readonly versions: ReadonlyMap<Version, PackageVersion>;
  /** As upstream has them; each names one of `versions`. */
  readonly distTags: ReadonlyMap<string, Version>;
}

/** What the index remembers of a package. `fields` come back when upstream has lost the version. */
export function listingOf(found: Package): Listing {
  return { name: found.name, files: [...found.versions.values()].map((version) => listedFile(found.name, version)) };
}

function listedFile(name: PackageName, version: PackageVersion): ListedFile {
  return {
    version: version.version,
    file: archiveFile(name, version.version),
    url: version.url.href,
    claims: version.claims,
    extra: { fields: version.fields },
    ...(version.sizeBytes === undefined ? {} : { sizeBytes: version.sizeBytes }),
    ...(version.publishedAt === undefined ? {} : { publishedAt: version.publishedAt }),
  };
}

/**
 * What `latest` should mean for a new install: upstream's word, unless upstream yanked it; then the highest version that is not, stable ones first. One that would
 * be refused and could not be moved stays, so that the refusal is met and not something newer than upstream's word.
 */
export function latestVersion(found: Package): Version | undefined {
  const tagged = found.distTags.get("latest");
  const version = tagged && found.versions.get(tagged);
  if (version && (!version.yanked || version.refused)) return tagged;
  const open = openVersions(found);
  return open.findLast((version) => !semver.prerelease(version)) ?? open.at(-1);
}

/** Versions that may be chosen for a new install, lowest first. */
export function openVersions(found: Package): readonly Version[] {
  return [...found.versions.values()]
    .filter((version) => !version.yanked)
    .map((version) => version.version)
    .sort(semver.compareBuild);
}
