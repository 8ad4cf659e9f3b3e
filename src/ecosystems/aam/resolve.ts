import type { ArtifactRef } from "../../core/artifact.ts";
import { type Checksum, parseHexChecksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { KnownFile, RecalledFile } from "../../core/ports/index-store.ts";
import { quote } from "../../core/quote.ts";
import { recalled } from "../../core/recalled.ts";
import { type ListedPackage, listedPackage } from "./known-package.ts";
import { packageNotFound, versionNotFound } from "./missing.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion } from "./names.ts";
import type { PackageVersion } from "./package.ts";
import type { AamServices } from "./services.ts";
import { sidecarRequest } from "./sources/sidecar.ts";
import { isFolder } from "./sources/sources-of.ts";

type Services = Pick<AamServices, "dialects" | "documents" | "index" | "limits" | "log" | "upstreamsFor">;

/**
 * Where an archive is and every digest claimed for it. A yanked version resolves like any other: lock files name it.
 * Throws NOT_FOUND where no upstream lists it, UPSTREAM_NOT_CONFIGURED where there is none to ask, and what `Documents` throws.
 */
export async function resolve(services: Services, repository: Repository, ref: ArtifactRef): Promise<Resolution> {
  const name = parsePackageName(ref.name);
  const version = parseVersion(ref.version);
  if (!name || !version || ref.file !== archiveFile(name, version)) {
    throw new AssayError("NOT_FOUND", `${JSON.stringify(`${ref.name}@${ref.version}`.slice(0, 200))} names no AAM package`);
  }
  requireUpstreams(repository);
  const listed = await listedPackage(services, repository, name, version);
  if (!listed) throw packageNotFound(name);
  const found = listed.package.versions.get(version);
  if (!found) throw versionNotFound(name, version);

  const known = await services.index.file(ref);
  return {
    ref,
    upstream: listed.upstream,
    url: found.url,
    claims: [...found.claims, ...(await sidecarClaims(services, repository, listed, found))],
    ...(found.sizeBytes === undefined ? {} : { sizeBytes: found.sizeBytes }),
    ...(found.publishedAt === undefined ? {} : { publishedAt: found.publishedAt }),
    ...(known ? { firstSeenAt: known.firstSeenAt } : {}),
  };
}

/** Where a version's archive was that upstream has lost. */
export function recall(
  services: Pick<AamServices, "upstreamsFor">,
  repository: Repository,
  ref: ArtifactRef,
  said: RecalledFile,
): Resolution | undefined {
  const name = parsePackageName(ref.name);
  const version = parseVersion(ref.version);
  return name && version && ref.file === archiveFile(name, version) ? recalled(services, repository, ref, said) : undefined;
}

/** The archives that a package's metadata lists now. Throws BAD_REQUEST for text that is no package name, NOT_FOUND where no upstream has it, and what `Documents` throws. */
export async function listed(services: Services, repository: Repository, text: string): Promise<readonly KnownFile[]> {
  const name = parsePackageName(text);
  if (!name) throw new AssayError("BAD_REQUEST", `${quote(text)} is no name of an AAM package`);
  requireUpstreams(repository);
  const found = await listedPackage(services, repository, name);
  if (!found) throw packageNotFound(name);
  return (await services.index.files(repository.name, name)).filter((file) => file.listed && file.upstream === found.upstream.url.href);
}

export function requireUpstreams(repository: Repository): void {
  if (repository.upstreams.length > 0 || repository.members) return;
  throw new AssayError("UPSTREAM_NOT_CONFIGURED", `the repository ${repository.name} has no upstream`, {
    help: "name one under repositories: https://… or file:///…",
  });
}

/** Section 12.5 wants a `.sha256` beside each archive of a local registry. It and the metadata are two claims, and the bytes must meet both. */
async function sidecarClaims(
  services: Services,
  repository: Repository,
  { upstream, package: { name } }: ListedPackage,
  version: PackageVersion,
): Promise<readonly Checksum[]> {
  if (!isFolder(upstream)) return [];
  const check = (body: Buffer): Checksum => readSha256File(body, name, version);
  const sidecar = { repository, upstream, name, version, ending: ".sha256", keepWhenAbsent: false, check };
  const held = await services.documents.get([sidecarRequest(services, sidecar)]);
  return held ? [check(held.body)] : [];
}

/** `<hex>  <file>`, as sha256sum writes it: the first word counts. */
function readSha256File(body: Buffer, name: PackageName, version: PackageVersion): Checksum {
  const source = `the .sha256 file beside ${name}@${version.version}`;
  const [hex = ""] = body.toString("latin1", 0, 256).trim().split(/\s/, 1);
  const checksum = parseHexChecksum("sha256", hex, source);
  if (!checksum) throw new AssayError("UPSTREAM_MALFORMED", `${source} holds no SHA-256`);
  return checksum;
}
