import type { Repository } from "../../core/ports/ecosystem.ts";
import type { ListedArchive } from "../../core/ports/foresight.ts";
import { moveTags } from "../move-tags.ts";
import { deprecationOf } from "./facts.ts";
import { type KnownPackage, knownPackage } from "./known-package.ts";
import { packageNotFound, versionNotFound } from "./missing.ts";
import { archiveFile, type PackageName, type Version } from "./names.ts";
import type { Package, PackageVersion } from "./package.ts";
import { requireUpstreams } from "./resolve.ts";
import type { AamServices } from "./services.ts";

/** Tags of one log line. */
const LOGGED_TAGS = 20;

/** A package with what would be refused of it marked. */
export interface MarkedPackage extends KnownPackage {
  /** Until when the marks hold as they are, milliseconds since the epoch. */
  readonly markedUntil: number;
}

/** What both dialects make their pages of; `only` as for `knownPackage`. Throws NOT_FOUND for a package that no upstream has, UPSTREAM_NOT_CONFIGURED where there is none to ask. */
export async function markedPackage(
  services: AamServices,
  repository: Repository,
  name: PackageName,
  only?: Version,
): Promise<MarkedPackage> {
  const found = await knownPackage(services, repository, name, only);
  if (!found) requireUpstreams(repository);
  if (!found) throw packageNotFound(name);
  return withMarks(services, repository, found);
}

/** Throws NOT_FOUND. */
export function versionOf({ package: { name, versions } }: KnownPackage, version: Version): PackageVersion {
  const found = versions.get(version);
  if (!found) throw versionNotFound(name, version);
  return found;
}

/**
 * The package with every version yanked that would be refused: it leaves ranges and tags, and stays there for a lock file that names it, whose install then meets the
 * refusal. The reason stands in `deprecated` too, which clients show. Section 12.7.
 */
export async function withMarks(
  services: Pick<AamServices, "foresight" | "log">,
  repository: Repository,
  known: KnownPackage,
): Promise<MarkedPackage> {
  const found = known.package;
  const { reasons, until } = await services.foresight.marks(repository, {
    name: found.name,
    upstream: known.upstream,
    archives: listedArchives(found),
    admitted: [...known.admissions.values()],
  });
  const freshness = { ...known.freshness, freshUntil: Math.min(known.freshness.freshUntil, until) };
  if (reasons.size === 0) return { ...known, freshness, markedUntil: until };
  const versions = new Map([...found.versions].map(([key, version]) => [key, marked(version, reasons.get(archiveFile(found.name, key)))]));
  const open = [...versions.values()].filter(({ yanked }) => !yanked);
  const { tags, stuck } = moveTags(
    found.distTags,
    open.map((version) => ({ version: version.version, deprecated: deprecationOf(version) !== undefined })),
    (version) => versions.get(version as Version)?.refused === true,
  );
  if (stuck.length > 0) {
    services.log.warn(
      { repository: repository.name, package: found.name, tags: stuck.slice(0, LOGGED_TAGS) },
      "dist-tags name a version that would be refused, and no version passes that they could be moved to",
    );
  }
  // Tags are moved to keys of `versions` only.
  return { ...known, package: { ...found, versions, distTags: tags as Package["distTags"] }, freshness, markedUntil: until };
}

function listedArchives({ name, versions, distTags }: Package): readonly ListedArchive[] {
  const tags = Map.groupBy(distTags.keys(), (tag) => distTags.get(tag));
  return [...versions.values()].map(({ version, claims, publishedAt, yanked }) => ({
    version,
    file: archiveFile(name, version),
    claims,
    tags: tags.get(version) ?? [],
    withdrawn: yanked,
    ...(publishedAt === undefined ? {} : { publishedAt }),
  }));
}

/** What upstream said stays: in front of our reason, or in place of it. */
function marked(version: PackageVersion, reason: string | undefined): PackageVersion {
  if (reason === undefined) return version;
  const { yankedReason: said } = version.fields;
  const yankedReason = typeof said === "string" && said !== "" ? `${said}; ${reason}` : reason;
  const deprecated = deprecationOf(version) ? {} : { deprecated: { message: reason } };
  return { ...version, yanked: true, refused: true, fields: { ...version.fields, yankedReason, ...deprecated } };
}
