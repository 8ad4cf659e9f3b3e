import { rsort } from "semver";
import { formatIntegrity } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { EcosystemServices, Freshness, Repository } from "../../core/ports/ecosystem.ts";
import type { KnownFile } from "../../core/ports/index-store.ts";
import { onlyAsked } from "../../core/upstreams-to-ask.ts";
import type { Admission } from "../../core/verdict.ts";
import { ABBREVIATED_TYPE } from "./abbreviate.ts";
import { packumentRequests } from "./document-requests.ts";
import { marksOf, type PackumentMarks } from "./marks.ts";
import { openPackument, type Packument } from "./packument.ts";
import { keptSignedDist, type SignedDist } from "./signed-dist.ts";

/** A packument that may be answered from now, and what we admitted of its package. */
export interface HeldPackument {
  readonly packument: Packument;
  readonly freshness: Freshness;
  /** By version. */
  readonly admitted: ReadonlyMap<string, Admission>;
  readonly marks: PackumentMarks;
  /** All that upstream gave is the abbreviated form. */
  readonly abbreviated: boolean;
}

/** Throws NOT_FOUND where no upstream has the package and we hold none of it, UPSTREAM_NOT_CONFIGURED without upstreams, and what `Documents` throws. */
export async function heldPackument(repository: Repository, name: string, services: EcosystemServices): Promise<HeldPackument> {
  const held = await services.documents.get(packumentRequests(repository, name, services)).catch(offlineError);
  const admitted = await services.index.admitted(repository.name, name);
  if (held === undefined || held instanceof AssayError) {
    const remembered = await rememberedPackument(repository, name, admitted, services);
    if (!remembered) throw held ?? unknownPackage(repository, name, services);
    return remembered;
  }
  const { upstream, validatedAt, freshUntil, stale } = held;
  const packument = openPackument(held.body, { name, registry: upstream.url, limits: services.limits });
  const marks = await marksOf(services, repository, { packument, upstream, admitted });
  return {
    packument,
    freshness: { validatedAt, freshUntil: Math.min(freshUntil, marks.until), ...(stale === undefined ? {} : { stale }) },
    admitted: byVersion(admitted),
    marks,
    abbreviated: held.contentType === ABBREVIATED_TYPE,
  };
}

/**
 * Upstream has lost the package, or cannot be asked at all. What we admitted of it stays installable by name, each version marked
 * deprecated, so that the person learns of it.
 * Versions missing from a packument that upstream still has are not brought back: a range must not find again what was withdrawn.
 */
async function rememberedPackument(
  repository: Repository,
  name: string,
  admitted: readonly Admission[],
  services: EcosystemServices,
): Promise<HeldPackument | undefined> {
  const files = await Promise.all(admitted.map((admission) => services.index.file(admission.ref)));
  const known = files.filter((file) => file !== undefined);
  const [first] = known;
  if (!first) return undefined;
  const json = Buffer.from(JSON.stringify(packumentOf(name, known)));
  const validatedAt = Math.max(...admitted.map((admission) => admission.decidedAt));
  const packument = openPackument(json, { name, registry: repository.upstreams[0]?.url ?? new URL(first.url), limits: services.limits });
  return {
    packument,
    freshness: {
      validatedAt,
      freshUntil: validatedAt,
      stale: `no upstream has ${name} now; the versions listed are those admitted before`,
    },
    admitted: byVersion(admitted),
    marks: await marksOf(services, repository, { packument, upstream: undefined, admitted }),
    abbreviated: true,
  };
}

function byVersion(admissions: readonly Admission[]): ReadonlyMap<string, Admission> {
  return new Map(admissions.map((admission) => [admission.ref.version, admission]));
}

function packumentOf(name: string, files: readonly KnownFile[]): Record<string, unknown> {
  const versions = rsort(
    files.map((file) => file.version),
    { loose: true },
  );
  const published = files.filter((file) => file.publishedAt !== undefined);
  return {
    name,
    "dist-tags": { latest: versions.find((version) => !version.includes("-")) ?? versions[0] },
    versions: Object.fromEntries(files.map((file) => [file.version, manifestOf(name, file)])),
    time: Object.fromEntries(published.map((file) => [file.version, new Date(file.publishedAt ?? 0).toISOString()])),
  };
}

function manifestOf(name: string, file: KnownFile): Record<string, unknown> {
  const integrity = file.claims
    .filter(({ algorithm }) => algorithm !== "sha1")
    .map(({ algorithm, hex }) => formatIntegrity(algorithm, hex));
  const shasum = file.claims.find(({ algorithm }) => algorithm === "sha1")?.hex;
  return {
    deprecated: "The upstream registry no longer has this package, or is never asked. Assay serves the copy it once admitted.",
    ...(file.extra?.["manifest"] ?? {}),
    name,
    version: file.version,
    dist: {
      tarball: file.url,
      ...(integrity.length > 0 ? { integrity: integrity.join(" ") } : {}),
      ...(shasum ? { shasum } : {}),
      ...rememberedEvidence(keptSignedDist(file.extra)),
    },
  };
}

/** What clients verify themselves. The attestations' address becomes ours when the packument is rewritten. */
function rememberedEvidence({ integrity, signatures, attested }: SignedDist): Record<string, unknown> {
  return {
    ...(signatures ? { integrity, signatures: signatures.map(({ keyId, signature }) => ({ keyid: keyId, sig: signature })) } : {}),
    ...(attested ? { attestations: { url: "-/npm/v1/attestations" } } : {}),
  };
}

/**
 * Offline, a packument that was never fetched is as good as gone: admitted archives can come without it, in an imported bundle. Any other failure
 * may pass, and a part of the versions would meanwhile make clients choose older ones.
 */
function offlineError(error: unknown): AssayError {
  if (error instanceof AssayError && error.code === "OFFLINE") return error;
  throw error;
}

export function unknownPackage(repository: Repository, name: string, services: EcosystemServices): AssayError {
  if (repository.upstreams.length > 0) {
    return new AssayError("NOT_FOUND", `no upstream of ${repository.name} has a package ${name}${onlyAsked(services, repository, name)}`);
  }
  return new AssayError("UPSTREAM_NOT_CONFIGURED", `the repository ${repository.name} has no upstream to get ${name} from`, {
    help: "give it one in the configuration, under repositories: upstreams:",
  });
}
