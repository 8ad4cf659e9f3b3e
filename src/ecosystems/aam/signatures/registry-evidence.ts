import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { AamServices } from "../services.ts";
import { apiV1Base } from "../sources/api-v1-address.ts";
import { requireJson, UAAPS_ACCEPT } from "../sources/http-registry.ts";
import type { SourceDocument } from "../sources/source.ts";
import type { EvidenceSubject, PublishedEvidence } from "./evidence.ts";

type Services = Pick<AamServices, "dialects" | "documents" | "limits">;

/**
 * What a registry's own `/signature` answers, as it answers it; undefined for one without that address. The AAM dialect has none by itself; another Assay has it there too.
 * Throws what `Documents` throws.
 */
export async function signatureAnswer(services: Services, subject: EvidenceSubject): Promise<HeldDocument | undefined> {
  const { repository, upstream, name, version, settled = false } = subject;
  const path = `${name}/${version.version}`;
  const dialects = await services.dialects.of(repository, upstream);
  return services.documents.get(
    dialects.map((dialect) => ({
      repository: repository.name,
      key: dialect === "uaaps" ? `signature/${path}` : `api-v1-signature/${path}`,
      upstream,
      url: new URL(`packages/${path}/signature`, dialect === "uaaps" ? upstream.url : apiV1Base(upstream.url)),
      accept: UAAPS_ACCEPT,
      maxBytes: services.limits.sidecarBytes,
      keepWhenAbsent: true,
      settled,
      read(document) {
        readAnswer(document, services, subject);
        return undefined;
      },
    })),
  );
}

/** The evidence in that answer. */
export async function registryEvidence(services: Services, subject: EvidenceSubject): Promise<PublishedEvidence> {
  const held = await signatureAnswer(services, subject);
  if (!held) return { signatures: [], attestations: [], documents: [] };
  const answer = readAnswer(held, services, subject);
  return { signatures: objectsIn(answer["signatures"]), attestations: objectsIn(answer["attestations"]), documents: [held] };
}

/** Throws UPSTREAM_MALFORMED for evidence that names another package or version. */
function readAnswer(document: SourceDocument, { limits }: Pick<Services, "limits">, { name, version }: EvidenceSubject): JsonObject {
  requireJson(document);
  const source = `the signatures of ${name}@${version.version}`;
  const answer = parseJsonObject(document.body, { maxDepth: limits.jsonDepth, source });
  for (const [field, expected] of Object.entries({ name, version: version.version })) {
    const said = answer[field];
    if (said !== undefined && said !== expected) {
      throw new AssayError("UPSTREAM_MALFORMED", `${source} say ${field} ${JSON.stringify(said).slice(0, 150)}`);
    }
  }
  return answer;
}

function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
