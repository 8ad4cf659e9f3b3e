import semver from "semver";
import { formatIntegrity } from "../../../core/digest.ts";
import type { JsonObject } from "../../../core/json.ts";
import { folderName, type PackageName, type Version } from "../names.ts";
import type { EvidenceEnding } from "../signatures/folder-evidence.ts";
import type { ClientManifest } from "./client-manifest.ts";
import { clientYaml } from "./client-yaml.ts";
import type { DirectoryEntry } from "./directory-entry.ts";

/** A version that the `aam` client can install. */
export interface ClientEntry extends DirectoryEntry {
  readonly client: ClientManifest;
}

/** One package in both layouts. */
export interface DirectoryPackage {
  readonly name: PackageName;
  /** Lowest version first, at least one. */
  readonly entries: readonly [DirectoryEntry, ...DirectoryEntry[]];
  /** Those of them for the `aam` client. */
  readonly forClient: readonly ClientEntry[];
  /** Each names one of `entries`; `latest` is always there. */
  readonly tags: ReadonlyMap<string, Version>;
}

export function archivePath({ name, version }: Pick<DirectoryEntry, "name" | "version">): string {
  return `${packageFolder(name)}/versions/${version}.aam`;
}

export function evidencePath(archive: Pick<DirectoryEntry, "name" | "version">, ending: EvidenceEnding): string {
  return `${archivePath(archive)}${ending}`;
}

export function packageFolder(name: PackageName): string {
  return `packages/${folderName(name)}`;
}

/** `<hex>  <file>`, as sha256sum writes it. Section 12.5 wants one beside each archive. */
export function sha256File({ version, digest }: DirectoryEntry): string {
  return `${digest}  ${version}.aam\n`;
}

/** The version that a new install means: the one tagged `latest`, else the highest release, else the highest. Undefined for none. */
export function newestOf<Entry extends DirectoryEntry>(entries: readonly Entry[], tagged: string | undefined): Entry | undefined {
  const ordered = entries.toSorted((a, b) => semver.compareBuild(a.version, b.version));
  return (
    ordered.find(({ version }) => version === tagged) ?? ordered.findLast(({ version }) => !semver.prerelease(version)) ?? ordered.at(-1)
  );
}

/** `meta.json`, section 12.5 of the specification. */
export function metaJson({ name, entries, tags }: DirectoryPackage): JsonObject {
  return {
    name,
    versions: Object.fromEntries(entries.map((entry) => [entry.version, metaVersion(entry)])),
    "dist-tags": Object.fromEntries(tags),
  };
}

function metaVersion({ version, digest, sizeBytes, publishedAt, facts }: DirectoryEntry): JsonObject {
  return {
    version,
    ...facts.shown,
    publishedAt: isoTime(publishedAt),
    integrity: formatIntegrity("sha256", digest),
    size: sizeBytes,
    tarball: `versions/${version}.aam`,
  };
}

/** `metadata.yaml`, all that the `aam` client 0.1.0 reads to install. Undefined where it can install nothing of the package. */
export function metadataYaml({ name, forClient, tags }: DirectoryPackage): string | undefined {
  const newest = newestOf(forClient, tags.get("latest"));
  if (!newest) return undefined;
  const { description, author, license, repository, keywords } = newest.client;
  const listed = new Set(forClient.map(({ version }) => version));
  return clientYaml({
    name,
    description,
    author,
    license,
    repository,
    keywords,
    dist_tags: { ...Object.fromEntries([...tags].filter(([, version]) => listed.has(version))), latest: newest.version },
    versions: forClient.map(({ version, publishedAt, digest, sizeBytes, client }) => ({
      version,
      published: isoTime(publishedAt),
      // An empty checksum would switch the client's check off, and any other spelling fail it.
      checksum: `sha256:${digest}`,
      size: sizeBytes,
      dependencies: client.dependencies,
    })),
  });
}

export function isoTime(time: number): string {
  return new Date(time).toISOString();
}
