import { AssayError } from "../../../core/errors.ts";
import { type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { Freshness, Repository } from "../../../core/ports/ecosystem.ts";
import { upstreamById } from "../../../core/upstream-names.ts";
import { integrityOf } from "../facts.ts";
import { freshnessOf, oldest } from "../freshness.ts";
import type { KnownPackage } from "../known-package.ts";
import { archiveFile } from "../names.ts";
import type { PackageVersion } from "../package.ts";
import type { AamServices } from "../services.ts";
import { isFolder } from "../sources/sources-of.ts";
import { folderEvidence } from "./folder-evidence.ts";
import { registryEvidence } from "./registry-evidence.ts";
import { REGISTRY_ATTESTATION } from "./signed-items.ts";

/**
 * What `GET …/signature` answers: what upstream published, and our own attestation where we hold the archive and admit it. A version that nobody signed has empty lists: a 404 could not be told from a signature that somebody took away.
 * Throws what `Documents` throws, and UPSTREAM_NOT_CONFIGURED where no upstream has the package any more.
 */
export async function signatureDocument(
  services: Pick<AamServices, "dialects" | "documents" | "limits" | "summaryOf" | "upstreamsFor">,
  repository: Repository,
  known: KnownPackage,
  version: PackageVersion,
): Promise<{ readonly body: JsonObject; readonly freshness: Freshness }> {
  const { name } = known.package;
  const admittedFrom = known.admissions.get(version.version)?.upstream;
  // What was fetched while the package was there is still held under the upstream's name.
  const lastHad = admittedFrom === undefined ? undefined : upstreamById(repository, admittedFrom);
  const upstream = known.upstream ?? services.upstreamsFor(repository, name).find((each) => each === lastHad);
  if (!upstream) {
    throw new AssayError("UPSTREAM_NOT_CONFIGURED", `no upstream has ${name} any more, so its signatures cannot be asked for`);
  }
  const collect = isFolder(upstream) ? folderEvidence : registryEvidence;
  const { signatures, attestations, documents } = await collect(services, {
    repository,
    upstream,
    name,
    version,
    settled: admittedFrom !== undefined,
  });
  const integrity = integrityOf(known, version);
  const own = await ownAttestation(services, repository, known, version);
  return {
    body: {
      formatVersion: 1,
      name,
      version: version.version,
      ...(integrity === undefined ? {} : { integrity }),
      signatures: [...signatures, ...own],
      attestations,
    },
    freshness: oldest([known.freshness, ...documents.map(freshnessOf)]),
  };
}

/** The registry attestation of section 14.1, whose form the specification leaves open: a verification summary. */
async function ownAttestation(
  { summaryOf, limits }: Pick<AamServices, "summaryOf" | "limits">,
  repository: Repository,
  { package: { name } }: KnownPackage,
  { version }: PackageVersion,
): Promise<readonly JsonObject[]> {
  const summary = await summaryOf?.(repository, {
    repository: repository.name,
    ecosystem: "aam",
    name,
    version,
    file: archiveFile(name, version),
  });
  if (!summary) return [];
  return [
    { type: REGISTRY_ATTESTATION, envelope: parseJsonObject(summary, { maxDepth: limits.jsonDepth, source: "our own attestation" }) },
  ];
}
