import semver from "semver";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { ARTIFACT_KINDS } from "../artifact-kinds.ts";
import { checksumOf, deprecationOf, distTags, signersOf, sizeOf } from "../facts.ts";
import type { KnownPackage } from "../known-package.ts";
import type { PackageName } from "../names.ts";
import { latestVersion, type PackageVersion } from "../package.ts";

/** `GET /packages/NAME`. Texts are those of the newest open version where the package has none of its own. */
export function packageDocument(known: KnownPackage): JsonObject {
  const { name, fields, versions } = known.package;
  const latest = latestVersion(known.package);
  const said = { ...(latest && versions.get(latest)?.fields), ...fields };
  const times = [...versions.values()].flatMap(({ publishedAt }) => publishedAt ?? []);
  return {
    ...namesOf(name),
    ...descriptionsOf(said),
    homepage: textOf(said["homepage"]) ?? null,
    keywords: textsOf(said["keywords"]),
    latest_version: latest ?? null,
    created_at: times.length === 0 ? null : instant(times.reduce((first, time) => Math.min(first, time))),
    updated_at: times.length === 0 ? null : instant(times.reduce((last, time) => Math.max(last, time))),
    owners: textsOf(said["owners"]),
    versions: versionList(known),
  };
}

/** `GET /packages/NAME/versions`: the specification names it and leaves its body open. */
export function versionsDocument(known: KnownPackage): JsonObject {
  return { name: known.package.name, versions: versionList(known) };
}

/** `GET /packages/NAME/tags`. */
export function tagsDocument(known: KnownPackage): JsonObject {
  return { package: known.package.name, tags: Object.fromEntries(distTags(known)) };
}

/**
 * `GET /packages/NAME/VERSION`. `signature` is one that we verified, or with `verified: false` one that upstream says there is. `deprecated` and `yanked_reason` are ours:
 * the dialect has no word for either.
 */
export function versionDocument(known: KnownPackage, version: PackageVersion, base: string): JsonObject {
  const { name } = known.package;
  const { fields, yanked } = version;
  const checksum = checksumOf(known, version);
  const deprecated = deprecationOf(version);
  const { yankedReason } = fields;
  return {
    ...namesOf(name),
    version: version.version,
    ...descriptionsOf({ ...known.package.fields, ...fields }),
    published_at: version.publishedAt === undefined ? null : instant(version.publishedAt),
    yanked,
    ...(typeof yankedReason === "string" ? { yanked_reason: yankedReason } : {}),
    ...(deprecated ? { deprecated } : {}),
    checksum: checksum ? { [checksum.algorithm]: checksum.hex } : {},
    signature: signersOf(known, version)[0] ?? null,
    dependencies: isJsonObject(fields["dependencies"]) ? fields["dependencies"] : {},
    artifacts: artifactsOf(fields["artifacts"]),
    // The specification's is relative to the host, where a mirror below a path of its host has something else.
    download_url: `${base}/api/v1/packages/${name}/${version.version}/download`,
    archive_size: sizeOf(known, version) ?? null,
    // Others are not shown at all.
    approval_status: "approved",
    dist_tags: [...distTags(known)].filter(([, tagged]) => tagged === version.version).map(([tag]) => tag),
    eval_results: listOf(fields["eval_results"]).filter(isJsonObject),
  };
}

/** What the archive is saved as: without its scope, unlike in the other dialect. */
export function downloadName(name: PackageName, version: string): string {
  return `${name.slice(name.indexOf("/") + 1)}-${version}.aam`;
}

/** `{name, scope}`, the scope without its `@` and empty where there is none. */
export function namesOf(name: PackageName): { readonly name: PackageName; readonly scope: string } {
  return { name, scope: name.startsWith("@") ? name.slice(1, name.indexOf("/")) : "" };
}

export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function textsOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).filter((item) => typeof item === "string");
}

/** Newest first. */
function versionList({ package: { versions } }: KnownPackage): readonly JsonObject[] {
  return [...versions.values()]
    .toSorted((left, right) => semver.compareBuild(right.version, left.version))
    .map(({ version, publishedAt, yanked }) => ({
      version,
      published_at: publishedAt === undefined ? null : instant(publishedAt),
      yanked,
    }));
}

function descriptionsOf(fields: JsonObject): JsonObject {
  return {
    description: textOf(fields["description"]) ?? "",
    author: textOf(fields["author"]) ?? null,
    license: textOf(fields["license"]) ?? null,
    repository: textOf(fields["repository"]) ?? null,
  };
}

function artifactsOf(value: JsonValue | undefined): JsonObject {
  const kinds = isJsonObject(value) ? value : {};
  return Object.fromEntries(
    ARTIFACT_KINDS.map((kind) => [
      `${kind}s`,
      listOf(kinds[`${kind}s`])
        .filter(isJsonObject)
        .map(({ name, description }) => ({ name: textOf(name) ?? "", description: textOf(description) ?? "" })),
    ]),
  );
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
