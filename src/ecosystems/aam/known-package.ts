import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import type { DocumentRequest, HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemServices, Freshness, Repository } from "../../core/ports/ecosystem.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { upstreamsToAsk } from "../../core/upstreams-to-ask.ts";
import type { Admission } from "../../core/verdict.ts";
import { freshnessOf } from "./freshness.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "./names.ts";
import { listingOf, type Package, type PackageVersion } from "./package.ts";
import type { Source } from "./sources/source.ts";
import { isFolder, sourceOf, sourcesOf } from "./sources/sources-of.ts";

/** A package as upstream lists it. */
export interface ListedPackage {
  readonly package: Package;
  readonly upstream: Upstream;
  readonly freshness: Freshness;
}

/** The same, with the versions that only we still have; `admissions` are of archives that were admitted once. */
export interface KnownPackage {
  readonly package: Package;
  /** Undefined where no upstream has the package any more. */
  readonly upstream: Upstream | undefined;
  readonly freshness: Freshness;
  readonly admissions: ReadonlyMap<Version, Admission>;
}

type Services = Pick<EcosystemServices, "documents" | "index" | "limits" | "upstreamsFor">;

/** The package from the first upstream that has it; undefined where none does. Throws what `Documents` throws. */
export async function listedPackage(services: Services, repository: Repository, name: PackageName): Promise<ListedPackage | undefined> {
  const held = await heldDocument(services, repository, name);
  if (!held) return undefined;
  const context = { registry: held.upstream.url, limits: services.limits };
  return { package: sourceOf(held).readPackage(held, name, context), upstream: held.upstream, freshness: freshnessOf(held) };
}

/** The dist-tags of a version as upstream has them, wherever our pages move them to. Undefined where no upstream has the package. Throws what `Documents` throws. */
export async function tagsOf(services: Services, repository: Repository, ref: ArtifactRef): Promise<readonly string[] | undefined> {
  const name = parsePackageName(ref.name);
  const listed = name && (await listedPackage(services, repository, name));
  return listed && [...listed.package.distTags].filter(([, version]) => version === ref.version).map(([tag]) => tag);
}

/**
 * What upstream lists and what it has lost but we admitted: that stays installable by its exact version. It counts as yanked, because a version
 * that its registry took back must not be chosen for a new install.
 */
export async function knownPackage(services: Services, repository: Repository, name: PackageName): Promise<KnownPackage | undefined> {
  const listed = await listedPackage(services, repository, name);
  const admissions = admissionsByVersion(await services.index.admitted(repository.name, name), name);
  const lost = [...admissions.keys()].filter((version) => !listed?.package.versions.has(version));
  if (lost.length === 0) return listed && { ...listed, admissions };

  const remembered = await services.index.files(repository.name, name);
  const versions = new Map(listed?.package.versions);
  for (const version of lost) {
    const admission = admissions.get(version);
    const extra = remembered.find((file) => file.version === version)?.extra?.["fields"];
    if (admission) versions.set(version, lostVersion(version, admission, isJsonObject(extra) ? extra : {}));
  }
  const rest = listed?.package ?? { name, fields: {}, distTags: new Map<string, Version>() };
  return {
    package: { ...rest, versions },
    upstream: listed?.upstream,
    freshness: listed?.freshness ?? lostFreshness([...admissions.values()]),
    admissions,
  };
}

/** The requests for a package's metadata, each upstream's in turn. Throws UPSTREAM_NOT_ALLOWED. */
function packageRequests(services: Services, repository: Repository, name: PackageName): readonly DocumentRequest[] {
  return upstreamsToAsk(services, repository, name).flatMap((upstream) =>
    sourcesOf(upstream).map((source) => packageRequest(services, repository, { name, upstream, source })),
  );
}

function packageRequest(
  { limits }: Services,
  repository: Repository,
  { name, upstream, source }: { name: PackageName; upstream: Upstream; source: Source },
): DocumentRequest {
  return {
    repository: repository.name,
    key: `${source.id}/${name}`,
    upstream,
    url: source.packageUrl(upstream.url, name),
    accept: source.accept,
    maxBytes: source.maxBytes(limits),
    read: (document) => listingOf(source.readPackage(document, name, { registry: upstream.url, limits })),
  };
}

async function heldDocument(services: Services, repository: Repository, name: PackageName): Promise<HeldDocument | undefined> {
  const requests = packageRequests(services, repository, name);
  try {
    return await services.documents.get(requests);
  } catch (error) {
    const unreachable = error instanceof AssayError && error.code === "UPSTREAM_UNREACHABLE";
    const held = unreachable ? await heldOtherLayout(services, requests) : undefined;
    if (!held) throw error;
    return held;
  }
}

/**
 * A folder that is not mounted fails on its first document, so what is held of its other layout would not be looked at. Only the first upstream's:
 * no other may step in for one that fails.
 */
async function heldOtherLayout(services: Services, [first, other]: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
  if (!first || !isFolder(first.upstream) || other?.upstream !== first.upstream) return undefined;
  try {
    return await services.documents.get([other]);
  } catch (error) {
    if (isUpstreamFailure(error)) return undefined;
    throw error;
  }
}

function admissionsByVersion(admissions: readonly Admission[], name: PackageName): ReadonlyMap<Version, Admission> {
  const byVersion = new Map<Version, Admission>();
  for (const admission of admissions) {
    const version = parseVersion(admission.ref.version);
    if (version && admission.ref.file === archiveFile(name, version)) byVersion.set(version, admission);
  }
  return byVersion;
}

function lostVersion(version: Version, admission: Admission, fields: PackageVersion["fields"]): PackageVersion {
  return {
    version,
    url: new URL(admission.url),
    claims: admission.claims,
    sizeBytes: admission.sizeBytes,
    yanked: true,
    fields: { ...fields, yankedReason: "its registry has this version no more; this mirror kept what it had verified" },
  };
}

function lostFreshness(admissions: readonly Admission[]): Freshness {
  const newest = Math.max(...admissions.map((admission) => admission.decidedAt));
  return { validatedAt: newest, freshUntil: newest, stale: "no upstream has this package any more" };
}
