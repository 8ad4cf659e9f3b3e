import { type Checksum, parseIntegrity } from "../../../core/digest.ts";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import type { Limits } from "../../../core/limits.ts";
import { quoteValue } from "../../../core/quote.ts";
import { isDistTag, type PackageName, parseVersion, type Version } from "../names.ts";
import type { Package, PackageVersion } from "../package.ts";

/** What a reader of package documents must be told. */
export interface ReadOptions {
  /** Names the document in messages and claims: "the metadata of git-utils". */
  readonly source: string;
  readonly limits: Limits;
  archiveUrl(version: Version, tarball: string | undefined): URL;
}

/** Algorithms an integrity string may use. https://www.w3.org/TR/SRI/#hash-functions */
const INTEGRITY_ALGORITHMS: ReadonlySet<string> = new Set(["sha256", "sha384", "sha512"]);

/**
 * What we write ourselves, and `provenanceLevel`: a level is a verdict, so upstream's word for it must not go out under our name.
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "version",
  "versions",
  "dist-tags",
  "integrity",
  "size",
  "tarball",
  "signature",
  "yanked",
  "provenanceLevel",
  "warnings",
]);

/**
 * Reads the object that both the HTTP protocol and the JSON layout have for a package: `{name, versions: {"1.0.0": {…}}, "dist-tags": {…}}`.
 * Versions outside SemVer are left out: no route can name them. Throws UPSTREAM_MALFORMED, UPSTREAM_LIMIT.
 */
export function readPackageObject(object: JsonObject, name: PackageName, options: ReadOptions): Package {
  const { source, limits } = options;
  if (object["name"] !== name) throw malformed(`${source} is about ${quoteValue(object["name"])}`);
  const listed = object["versions"];
  if (!isJsonObject(listed)) throw malformed(`${source} has no map of versions`);
  const entries = Object.entries(listed);
  if (entries.length > limits.listedFiles) {
    throw new AssayError("UPSTREAM_LIMIT", `${source} lists ${entries.length} versions, more than ${limits.listedFiles}`, {
      help: "raise limits.listed_files if that is right",
    });
  }
  const versions = new Map<Version, PackageVersion>();
  for (const [key, entry] of entries) {
    const version = parseVersion(key);
    if (version) versions.set(version, readVersion(entry, version, options));
  }
  return { name, fields: foreignFields(object), versions, distTags: readDistTags(object["dist-tags"], versions) };
}

/** One version of such a document. Throws UPSTREAM_MALFORMED. */
export function readVersion(entry: JsonValue, version: Version, options: ReadOptions): PackageVersion {
  const source = `${options.source}@${version}`;
  if (!isJsonObject(entry)) throw malformed(`${source} is not an object`);
  if (entry["version"] !== undefined && entry["version"] !== version) throw malformed(`${source} is about ${quoteValue(entry["version"])}`);
  const tarball = optionalText(entry, "tarball", source);
  const publishedAt = instant(entry["publishedAt"]);
  const size = entry["size"];
  return {
    version,
    url: options.archiveUrl(version, tarball),
    claims: readClaims(optionalText(entry, "integrity", source), source),
    yanked: entry["yanked"] === true,
    fields: foreignFields(entry),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? { sizeBytes: size } : {}),
    ...(publishedAt === undefined ? {} : { publishedAt }),
  };
}

/** No text is no claim. Text that gives none must not pass for that: a misspelt algorithm would switch the check off. */
function readClaims(integrity: string | undefined, source: string): readonly Checksum[] {
  if (integrity === undefined || integrity === "") return [];
  const claims = parseIntegrity(integrity, source).filter((claim) => INTEGRITY_ALGORITHMS.has(claim.algorithm));
  if (claims.length === 0) throw malformed(`${source} has an integrity that names no SHA-2 digest: ${quoteValue(integrity)}`);
  return claims;
}

/** Tags of `versions` that are within the grammar. */
export function readDistTags(value: JsonValue | undefined, versions: ReadonlyMap<Version, unknown>): ReadonlyMap<string, Version> {
  const tags = new Map<string, Version>();
  for (const [tag, target] of Object.entries(isJsonObject(value) ? value : {})) {
    const version = typeof target === "string" ? parseVersion(target) : undefined;
    if (version && versions.has(version) && isDistTag(tag)) tags.set(tag, version);
  }
  return tags;
}

function foreignFields(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !OWN_FIELDS.has(key)));
}

function optionalText(object: JsonObject, key: string, source: string): string | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw malformed(`${source} has ${key} ${quoteValue(value)}`);
  return value;
}

/** ISO 8601, which all registries write. Anything else counts as unknown. */
function instant(value: JsonValue | undefined): number | undefined {
  if (typeof value !== "string" || value.length > 40 || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

function malformed(found: string): AssayError {
  return new AssayError("UPSTREAM_MALFORMED", `${found}, which cannot be relied on`);
}
