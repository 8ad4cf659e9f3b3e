import { createHash } from "node:crypto";
import type { ArtifactRef } from "../../core/artifact.ts";
import { type Checksum, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemAnswer, EcosystemRequest, EcosystemServices, PageAnswer, Repository } from "../../core/ports/ecosystem.ts";
import { metadataClaim } from "./listing.ts";
import { INTEGRITY_TYPE, negotiateIntegrity } from "./negotiate.ts";
import { provenanceDocument } from "./provenance-document.ts";
import { locate, locateOrRemember } from "./resolve.ts";
import { admissionsByFile, conflictOf } from "./rewrite.ts";

/**
 * Answers `/files/PROJECT/FILENAME.metadata`: upstream's copy of the METADATA file, if it has the digest that the page promised.
 * Resolvers act on it before they see the wheel, so it is held to that digest here, and the wheel's own METADATA to the same one later.
 * Throws NOT_FOUND where nothing (that can be checked) is promised, UPSTREAM_MALFORMED for other bytes.
 */
export async function metadataFile(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<PageAnswer> {
  const { row, upstream } = await locate(services, repository, ref);
  const promised = metadataClaim(row, ref.name);
  const admission = admissionsByFile(await services.index.admitted(repository.name, ref.name)).get(ref.file);
  // Upstream's page is now about other bytes than those that we serve under this name.
  const disowned = admission !== undefined && conflictOf(row.claims, admission) !== undefined;
  if (!promised || disowned) throw new AssayError("NOT_FOUND", `no metadata file is promised for ${ref.file}`);
  const url = new URL(row.url);
  url.pathname += ".metadata";
  const document = await services.documents.get([
    {
      repository: repository.name,
      // With the digest in its name, what is held can never answer for a newer promise.
      key: `metadata/${ref.file}/${promised.hex}`,
      package: ref.name,
      upstream,
      url,
      accept: "*/*",
      maxBytes: services.limits.sidecarBytes,
      read: ({ body }) => requireDigest(body, promised, ref.file),
    },
  ]);
  if (!document) throw new AssayError("NOT_FOUND", `upstream promises a metadata file for ${ref.file}, but has none`);
  // Not only when it came in: what is read back from disk is checked like what came from the network.
  requireDigest(document.body, promised, ref.file);
  return companionPage(document, "text/plain; charset=utf-8", ref.name);
}

function requireDigest(body: Buffer, promised: Checksum, file: string): undefined {
  const computed = parseDigest(createHash("sha256").update(body).digest("hex"));
  if (computed === promised.hex) return;
  throw new AssayError(
    "UPSTREAM_MALFORMED",
    `the metadata file of ${file}: expected sha256 ${promised.hex} (claimed by ${promised.claimedBy}), got ${computed}`,
  );
}

/** Answers `/files/PROJECT/FILENAME.provenance`, also of a file that upstream has lost since. Throws NOT_FOUND where there is none. */
export async function provenanceFile(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<PageAnswer> {
  return companionPage(await provenance(services, repository, ref), INTEGRITY_TYPE, undefined);
}

/** Answers the Integrity API, whose 404 is JSON. Throws NOT_ACCEPTABLE. */
export async function integrityAnswer(
  services: EcosystemServices,
  repository: Repository,
  ref: ArtifactRef,
  request: EcosystemRequest,
): Promise<EcosystemAnswer> {
  const contentType = negotiateIntegrity(request.accept);
  try {
    const page = companionPage(await provenance(services, repository, ref), contentType, undefined);
    return { ...page, varies: { accept: true, origin: false } };
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "NOT_FOUND") throw error;
    const body = Buffer.from(JSON.stringify({ message: `No provenance available for ${ref.file}` }));
    return { kind: "plain", status: 404, contentType: "application/json", body };
  }
}

/** Of an archive that is held, what it was admitted by. Throws NOT_FOUND where the page names none and none is held. */
async function provenance(services: EcosystemServices, repository: Repository, ref: ArtifactRef): Promise<HeldDocument> {
  const located = await locateOrRemember(services, repository, ref);
  const settled = admissionsByFile(await services.index.admitted(repository.name, ref.name)).has(ref.file);
  const document = await provenanceDocument(services, repository, ref, located, { settled });
  if (!document) throw new AssayError("NOT_FOUND", `no provenance is published for ${ref.file}`);
  return document;
}

function companionPage(document: HeldDocument, contentType: string, name: string | undefined): PageAnswer {
  const { validatedAt, freshUntil, stale } = document;
  return {
    kind: "page",
    contentType,
    body: document.body,
    freshness: { validatedAt, freshUntil, ...(stale === undefined ? {} : { stale }) },
    varies: { accept: false, origin: false },
    ...(name === undefined ? {} : { name }),
  };
}
