import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import type { EcosystemServices } from "../../../core/ports/ecosystem.ts";
import { requireJson, UAAPS_ACCEPT } from "../sources/http-registry.ts";
import type { SourceDocument } from "../sources/source.ts";
import type { EvidenceSubject, PublishedEvidence } from "./evidence.ts";

type Services = Pick<EcosystemServices, "documents" | "limits">;

/** What a registry's own `/signature` answers. One without that address has no evidence. */
export async function registryEvidence(services: Services, subject: EvidenceSubject): Promise<PublishedEvidence> {
  const { repository, upstream, name, version } = subject;
  const path = `${name}/${version.version}`;
  const held = await services.documents.get([
    {
      repository: repository.name,
      key: `signature/${path}`,
      upstream,
      url: new URL(`packages/${path}/signature`, upstream.url),
      accept: UAAPS_ACCEPT,
      maxBytes: services.limits.sidecarBytes,
      read(document) {
        readAnswer(document, services, subject);
        return undefined;
      },
    },
  ]);
  if (!held) return { signatures: [], attestations: [], documents: [] };
  const answer = readAnswer(held, services, subject);
  return { signatures: objectsIn(answer["signatures"]), attestations: objectsIn(answer["attestations"]), documents: [held] };
}

/** Throws UPSTREAM_MALFORMED for evidence that names another package or version. */
function readAnswer(document: SourceDocument, { limits }: Services, { name, version }: EvidenceSubject): JsonObject {
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
