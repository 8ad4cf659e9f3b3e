import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import type { HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemServices, Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { KnownFile, RecalledFile } from "../../core/ports/index-store.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { quote } from "../../core/quote.ts";
import { recalled } from "../../core/recalled.ts";
import { parseFileName } from "./file-name.ts";
import { metadataClaim } from "./listing.ts";
import { parseProjectName } from "./project-name.ts";
import { noSuchProject } from "./project-page.ts";
import { projectRequests } from "./simple-page.ts";

/** A file that the project's page lists now, and the upstream whose page that is. */
export interface Located {
  readonly row: KnownFile;
  readonly upstream: Upstream;
}

/**
 * Finds a file on its project's page, which is fetched or confirmed first where it is not fresh. Throws NOT_FOUND where the page, or the
 * file on it, is not there: a file that upstream has taken off its page is not fetched any more, though what was admitted stays servable.
 * Throws what `Documents` throws.
 */
export async function locate(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<Located> {
  const page = await requirePage(services, repository, ref.name);
  const row = await services.index.file(ref);
  // What is listed must be what this very upstream listed: its address is asked for the archive.
  if (!row?.listed || row.upstream !== page.upstream.url.href)
    throw new AssayError("NOT_FOUND", `the simple index of ${ref.name} does not list ${ref.file}`);
  return { row, upstream: page.upstream };
}

async function requirePage(services: EcosystemServices, repository: Repository, project: string): Promise<HeldDocument> {
  const page = await services.documents.get(projectRequests(services, repository, project));
  if (!page) throw noSuchProject(services, repository, project);
  return page;
}

/**
 * The same, and for a file that upstream has lost or cannot tell of, what its page said last: what was published with the file must stay to be had as long
 * as the file is. Throws like `locate` for a file that was never listed.
 */
export async function locateOrRemember(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<Located> {
  try {
    return await locate(services, repository, ref);
  } catch (error) {
    const lost = isUpstreamFailure(error) || (error instanceof AssayError && error.code === "NOT_FOUND");
    const row = lost ? await services.index.file(ref) : undefined;
    const upstream = services.upstreamsFor(repository, ref.name).find(({ url }) => url.href === row?.upstream);
    if (!row || !upstream) throw error;
    return { row, upstream };
  }
}

/** The files that the project's page lists now. Throws BAD_REQUEST for a name that no project can have, and like `locate`. */
export async function listed(services: EcosystemServices, repository: Repository, name: string): Promise<readonly KnownFile[]> {
  const project = parseProjectName(name);
  if (project === undefined) throw new AssayError("BAD_REQUEST", `${quote(name)} is no name of a PyPI project`);
  const { upstream } = await requirePage(services, repository, project);
  return (await services.index.files(repository.name, project)).filter((file) => file.listed && file.upstream === upstream.url.href);
}

/** Where the archive is and what is claimed for it. Throws like `locate`. */
export async function resolve(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<Resolution> {
  const { row, upstream } = await locate(services, repository, ref);
  return {
    ref,
    upstream,
    url: new URL(row.url),
    claims: row.claims,
    firstSeenAt: row.firstSeenAt,
    ...(row.sizeBytes === undefined ? {} : { sizeBytes: row.sizeBytes }),
    ...(row.publishedAt === undefined ? {} : { publishedAt: row.publishedAt }),
    ...manifestClaims(row, ref),
  };
}

/** The same of a file that upstream has lost, by what its page said last. */
export function recall(services: EcosystemServices, repository: Repository, ref: ArtifactRef, said: RecalledFile): Resolution | undefined {
  if (parseProjectName(ref.name) !== ref.name || parseFileName(ref.file, ref.name)?.version !== ref.version) return undefined;
  const resolution = recalled(services, repository, ref, said);
  return resolution && { ...resolution, ...manifestClaims(said, ref) };
}

function manifestClaims(row: RecalledFile, ref: ArtifactRef): Pick<Resolution, "manifestClaims"> {
  const manifest = ref.file.endsWith(".whl") ? metadataClaim(row, ref.name) : undefined;
  return manifest ? { manifestClaims: [manifest] } : {};
}
