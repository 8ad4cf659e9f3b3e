import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import type { DocumentRequest, HeldDocument } from "../../core/ports/documents.ts";
import type { Freshness, Repository } from "../../core/ports/ecosystem.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { upstreamsToAsk } from "../../core/upstreams-to-ask.ts";
import type { Admission } from "../../core/verdict.ts";
import { freshnessOf, oldest } from "./freshness.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "./names.ts";
import { listingOf, type Package, type PackageVersion } from "./package.ts";
import type { AamServices } from "./services.ts";
import { withDetails } from "./sources/api-v1-details.ts";
import { API_V1_REGISTRY } from "./sources/api-v1-registry.ts";
import type { Source } from "./sources/source.ts";
import { sourceOf, sourcesOf } from "./sources/sources-of.ts";

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

type Services = Pick<AamServices, "dialects" | "documents" | "index" | "limits" | "log" | "upstreamsFor">;

/**
 * The package from the first upstream that has it; undefined where none does. With `only`, what is said of other versions may be less than their registry says.
 * Throws what `Documents` throws.
 */
export async function listedPackage(
  services: Services,
  repository: Repository,
  name: PackageName,
  only?: Version,
): Promise<ListedPackage | undefined> {
  const held = await heldDocument(services, repository, name);
  if (!held) return undefined;
  const { upstream } = held;
  const source = sourceOf(held);
  const found = source.readPackage(held, name, { registry: upstream.url, limits: services.limits });
  if (source !== API_V1_REGISTRY) return { package: found, upstream, freshness: freshnessOf(held) };
  const detailed = await withDetails(services, { repository, upstream, package: found }, only);
  return { package: detailed.package, upstream, freshness: oldest([freshnessOf(held), ...detailed.documents.map(freshnessOf)]) };
}

/** The dist-tags of a version as upstream has them, wherever our pages move them to. Undefined where no upstream has the package. Throws what `Documents` throws. */
export async function tagsOf(services: Services, repository: Repository, ref: ArtifactRef): Promise<readonly string[] | undefined> {
  const name = parsePackageName(ref.name);
  const listed = name && (await listedPackage(services, repository, name, parseVersion(ref.version)));
  return listed && [...listed.package.distTags].filter(([, version]) => version === ref.version).map(([tag]) => tag);
}

/**
 * What upstream lists and what it has lost but we admitted: that stays installable by its exact version. It counts as yanked, because a version
 * that its registry took back must not be chosen for a new install.
 */
export async function knownPackage(
  services: Services,
  repository: Repository,
  name: PackageName,
  only?: Version,
): Promise<KnownPackage | undefined> {
  const listed = await listedPackage(services, repository, name, only);
  const admissions = admissionsByVersion(await services.index.admitted(repository.name, name), name);
  const lost = [...admissions.keys()].filter((version) => !listed?.package.versions.has(version));
  // A name that was published here, with nothing under it that may be seen yet: there is no such package, here or anywhere else.
  if (lost.length === 0 && listed?.upstream.own && listed.package.versions.size === 0) return undefined;
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

/** The requests for a package's metadata, each upstream's in turn. */
async function packageRequests(
  services: Services,
  repository: Repository,
  { name, upstreams }: { readonly name: PackageName; readonly upstreams: readonly Upstream[] },
): Promise<readonly DocumentRequest[]> {
  const perUpstream = upstreams.map(async (upstream) => {
    const sources = await sourcesOf(services.dialects, repository, upstream);
    return sources.map((source) => packageRequest(services, repository, { name, upstream, source }));
  });
  return (await Promise.all(perUpstream)).flat();
}

function packageRequest(
  { limits }: Services,
  repository: Repository,
  { name, upstream, source }: { name: PackageName; upstream: Upstream; source: Source },
): DocumentRequest {
  return {
    repository: repository.name,
    key: `${source.id}/${name}`,
    package: name,
    upstream,
    url: source.packageUrl(upstream.url, name),
    accept: source.accept,
    maxBytes: source.maxBytes(limits),
    read: (document) => listingOf(source.readPackage(document, name, { registry: upstream.url, limits })),
  };
}

/**
 * Upstreams that had nothing of it, or something else in its place, are asked once more which dialect they speak: before it counts as absent, and before another
 * upstream's package of that name is taken for it.
 */
async function heldDocument(services: Services, repository: Repository, name: PackageName): Promise<HeldDocument | undefined> {
  const upstreams = upstreamsToAsk(services, repository, name);
  const ask = async (): Promise<HeldDocument | undefined> =>
    askInTurn(services, await packageRequests(services, repository, { name, upstreams }));
  try {
    const held = await ask();
    const without = held ? upstreams.slice(0, upstreams.indexOf(held.upstream)) : upstreams;
    return (await services.dialects.haveChanged(repository, without)) ? await ask() : held;
  } catch (error) {
    const isAnother = error instanceof AssayError && OF_ANOTHER_DIALECT.has(error.code);
    if (!isAnother || !(await services.dialects.haveChanged(repository, upstreams))) throw error;
    return ask();
  }
}

const OF_ANOTHER_DIALECT: ReadonlySet<string> = new Set(["UPSTREAM_CONTENT_TYPE", "UPSTREAM_MALFORMED", "UPSTREAM_STATUS"]);

async function askInTurn(services: Services, requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
  try {
    return await services.documents.get(requests);
  } catch (error) {
    const held = isUpstreamFailure(error) && DOWN.has(error.code) ? await heldInOtherForm(services, requests) : undefined;
    if (!held) throw error;
    return held;
  }
}

const DOWN: ReadonlySet<string> = new Set(["OFFLINE", "UPSTREAM_CIRCUIT_OPEN", "UPSTREAM_TIMEOUT", "UPSTREAM_UNREACHABLE"]);

/**
 * An upstream that is down, as a folder that is not mounted, fails on its first document, so what is held of its other layout or dialect would not be looked at. Only
 * the first upstream's: no other may step in for one that fails.
 */
async function heldInOtherForm(services: Services, [first, other]: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
  if (!first || other?.upstream !== first.upstream) return undefined;
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
