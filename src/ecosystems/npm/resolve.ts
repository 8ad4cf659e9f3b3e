import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import type { EcosystemServices, Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { KnownFile, RecalledFile } from "../../core/ports/index-store.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { recalled } from "../../core/recalled.ts";
import { onlyAsked } from "../../core/upstreams-to-ask.ts";
import { packumentRequests } from "./document-requests.ts";
import { unknownPackage } from "./held-packument.ts";
import { isArchiveFile, isPackageName, isVersion, parsePackageName, versionFromFile } from "./names.ts";

/**
 * Which version an archive's file name belongs to. Usually the name says it; what is listed has the last word, since old archives have other names.
 * `npm ci` asks for archives without a packument: that is fetched here when the file was never seen, so that it is known to be listed or not.
 * Throws NOT_FOUND for a name that says no version and is not listed, and what `Documents` throws.
 */
export async function locate(repository: Repository, name: string, file: string, services: EcosystemServices): Promise<ArtifactRef> {
  const ref = (version: string): ArtifactRef => ({ repository: repository.name, ecosystem: "npm", name, version, file });
  const spoken = versionFromFile(name, file);
  if (spoken !== undefined && (await services.index.file(ref(spoken)))) return ref(spoken);
  const version =
    (await listedVersion(repository, name, file, services)) ??
    (await admittedVersion(repository, name, file, services)) ??
    (await freshVersion(repository, name, file, services)) ??
    spoken;
  if (version === undefined) throw new AssayError("NOT_FOUND", `no upstream of ${repository.name} lists ${file} of ${name}`);
  return ref(version);
}

/** The archives that the packument lists now. Throws BAD_REQUEST for text that is no package name, NOT_FOUND where no upstream has it, and what `Documents` throws. */
export async function listed(repository: Repository, name: string, services: EcosystemServices): Promise<readonly KnownFile[]> {
  const held = await services.documents.get(packumentRequests(repository, parsePackageName(name), services));
  if (!held) throw unknownPackage(repository, name, services);
  const { href } = held.upstream.url;
  return (await services.index.files(repository.name, name)).filter((file) => file.listed && file.upstream === href);
}

/** Throws NOT_FOUND where no upstream lists the archive now, and what `Documents` throws. */
export async function resolve(repository: Repository, ref: ArtifactRef, services: EcosystemServices): Promise<Resolution> {
  const held = await services.documents.get(packumentRequests(repository, ref.name, services));
  const known = held ? await services.index.file(ref) : undefined;
  // What is listed must be what this very upstream listed: its address is asked for the archive.
  if (!held || !known?.listed || known.upstream !== held.upstream.url.href) {
    const who = `no upstream of ${repository.name} lists ${ref.file} of ${ref.name} ${ref.version}`;
    throw new AssayError("NOT_FOUND", `${who}${onlyAsked(services, repository, ref.name)}`);
  }
  const { sizeBytes, publishedAt, firstSeenAt, claims } = known;
  return {
    ref,
    upstream: held.upstream,
    url: new URL(known.url),
    claims,
    firstSeenAt,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
  };
}

/** Where an archive was that upstream has lost. Old archives have names that say no version: any that may name an archive will do. */
export function recall(repository: Repository, ref: ArtifactRef, said: RecalledFile, services: EcosystemServices): Resolution | undefined {
  const { name, version, file } = ref;
  if (!isPackageName(name) || !isVersion(version) || !isArchiveFile(file)) return undefined;
  if ((versionFromFile(name, file) ?? version) !== version) return undefined;
  return recalled(services, repository, ref, said);
}

/**
 * Whose a package is: the upstream that has its packument, or for a package that upstream has lost or cannot tell of, the one that listed it last. What was
 * published with an archive must stay to be had as long as the archive is. Throws what `Documents` throws for a package that was never listed.
 */
export async function upstreamOf(repository: Repository, release: Release, services: EcosystemServices): Promise<Upstream | undefined> {
  try {
    const held = await services.documents.get(packumentRequests(repository, release.name, services));
    return held ? held.upstream : await lastListedBy(repository, release, services);
  } catch (error) {
    const last = isUpstreamFailure(error) ? await lastListedBy(repository, release, services) : undefined;
    if (!last) throw error;
    return last;
  }
}

interface Release {
  readonly name: string;
  readonly version: string;
}

async function lastListedBy(
  repository: Repository,
  { name, version }: Release,
  services: EcosystemServices,
): Promise<Upstream | undefined> {
  const listed = (await services.index.files(repository.name, name)).find((file) => file.version === version);
  return services.upstreamsFor(repository, name).find(({ url }) => url.href === listed?.upstream);
}

async function freshVersion(repository: Repository, name: string, file: string, services: EcosystemServices): Promise<string | undefined> {
  const held = await services.documents.get(packumentRequests(repository, name, services));
  return held ? listedVersion(repository, name, file, services) : undefined;
}

async function listedVersion(repository: Repository, name: string, file: string, services: EcosystemServices): Promise<string | undefined> {
  const files = (await services.index.files(repository.name, name)).filter((known) => known.file === file);
  return (files.find((known) => known.listed) ?? files[0])?.version;
}

/** Archives can have come without a listing, in an imported bundle. */
async function admittedVersion(
  repository: Repository,
  name: string,
  file: string,
  services: EcosystemServices,
): Promise<string | undefined> {
  return (await services.index.admitted(repository.name, name)).find((admission) => admission.ref.file === file)?.ref.version;
}
