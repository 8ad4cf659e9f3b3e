import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { EcosystemServices } from "../../../core/ports/ecosystem.ts";
import { sidecarRequest } from "../sources/sidecar.ts";
import type { EvidenceSubject, PublishedEvidence } from "./evidence.ts";

type Services = Pick<EcosystemServices, "documents" | "limits">;

/** What the files beside an archive in a local registry are, by what is added to its name. */
const CHECKS = { ".sigstore.json": parseBundle, ".asc": requireArmor, ".provenance.json": parseBundle } as const;
export type EvidenceEnding = keyof typeof CHECKS;
export const EVIDENCE_ENDINGS = Object.keys(CHECKS) as readonly EvidenceEnding[];

/** Whether a file with this body can be an `.asc` file. */
export function isArmored(body: Buffer): boolean {
  return body.toString("latin1", 0, 64).startsWith("-----BEGIN PGP SIGNATURE-----");
}

/** One such file; undefined where there is none and never was. Throws UPSTREAM_MALFORMED, and what `Documents` throws. */
export function evidenceFile(services: Services, subject: EvidenceSubject, ending: EvidenceEnding): Promise<HeldDocument | undefined> {
  return services.documents.get([sidecarRequest(services, { ...subject, ending, keepWhenAbsent: true, check: CHECKS[ending] })]);
}

/** The files beside an archive in a local registry: `.sigstore.json`, `.asc` and `.provenance.json`. */
export async function folderEvidence(services: Services, subject: EvidenceSubject): Promise<PublishedEvidence> {
  const { jsonDepth } = services.limits;
  const [sigstore, gpg, provenance] = await Promise.all([
    evidenceFile(services, subject, ".sigstore.json"),
    evidenceFile(services, subject, ".asc"),
    evidenceFile(services, subject, ".provenance.json"),
  ]);
  return {
    signatures: [
      ...(sigstore ? [{ type: "sigstore", bundle: parseBundle(sigstore.body, jsonDepth) }] : []),
      ...(gpg ? [{ type: "gpg", signature: gpg.body.toString("utf8") }] : []),
    ],
    attestations: provenance ? [attestation(parseBundle(provenance.body, jsonDepth), jsonDepth)] : [],
    documents: [sigstore, gpg, provenance].filter((held) => held !== undefined),
  };
}

function parseBundle(body: Buffer, maxDepth: number): JsonObject {
  return parseJsonObject(body, { maxDepth, source: "the bundle beside the archive" });
}

function requireArmor(body: Buffer): void {
  if (isArmored(body)) return;
  throw new AssayError("UPSTREAM_MALFORMED", "the .asc file beside the archive is no armored OpenPGP signature");
}

/** The predicate type is read from the statement inside, for clients that choose by it; it is as unverified as the rest. */
function attestation(bundle: JsonObject, maxDepth: number): JsonObject {
  const envelope = bundle["dsseEnvelope"] ?? bundle;
  const payload = isJsonObject(envelope) ? envelope["payload"] : undefined;
  if (typeof payload !== "string") return { bundle };
  try {
    const { predicateType } = parseJsonObject(Buffer.from(payload, "base64"), { maxDepth, source: "the attestation's payload" });
    return typeof predicateType === "string" ? { predicateType, bundle } : { bundle };
  } catch (error) {
    if (error instanceof AssayError) return { bundle };
    throw error;
  }
}
