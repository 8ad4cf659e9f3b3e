import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { provenanceLink } from "./listing.ts";
import { INTEGRITY_TYPE } from "./negotiate.ts";
import type { Located } from "./resolve.ts";

/**
 * The provenance object (PEP 740) that the project's page points to, byte for byte. It may change, so it is a document like a page; it is also evidence, so
 * what was fetched once stays, and with `settled` is not asked for again. Undefined where the page names none, or upstream has none where it names one. Throws what `Documents` throws.
 */
export async function provenanceDocument(
  services: Pick<EcosystemServices, "documents" | "limits">,
  repository: Repository,
  ref: ArtifactRef,
  { row, upstream }: Located,
  { settled = false }: { readonly settled?: boolean } = {},
): Promise<HeldDocument | undefined> {
  const link = provenanceLink(row);
  if (link === undefined) return undefined;
  return services.documents.get([
    {
      repository: repository.name,
      key: `provenance/${ref.name}/${ref.file}`,
      package: ref.name,
      upstream,
      url: new URL(link),
      accept: `${INTEGRITY_TYPE}, application/json;q=0.9`,
      maxBytes: services.limits.sidecarBytes,
      keepWhenAbsent: true,
      settled,
      read: ({ body }) => requireProvenance(body, ref.file, services.limits.jsonDepth),
    },
  ]);
}

/** Only its outline: whether it proves anything is for a verifier to say. */
function requireProvenance(body: Buffer, file: string, maxDepth: number): undefined {
  const source = `the provenance of ${file}`;
  const object = parseJsonObject(body, { maxDepth, source });
  if (!Array.isArray(object["attestation_bundles"])) throw new AssayError("UPSTREAM_MALFORMED", `${source} has no attestation_bundles`);
}
