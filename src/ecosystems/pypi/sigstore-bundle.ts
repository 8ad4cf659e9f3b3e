import type { JsonObject } from "../../core/json.ts";
import { type JsonFields, JsonShapeError } from "../../core/json-fields.ts";

/** A form of attestation that cannot be turned into a bundle without losing something. Never leaves this folder. */
export class UnsupportedAttestation extends Error {}

const MAX_TIMESTAMPS = 8;

/**
 * The Sigstore bundle that a PEP 740 attestation stands for. Throws JsonShapeError, UnsupportedAttestation.
 * The reference tool looks at the first transparency entry only, so what is in the others proves nothing: more than one is not taken.
 * https://packaging.python.org/en/latest/specifications/index-hosted-attestations/#attestation-objects
 */
export function toSigstoreBundle(attestation: JsonFields): JsonObject {
  requireVersion(attestation, "attestation");
  const material = attestation.object("verification_material");
  const envelope = attestation.object("envelope");
  const [entry, ...others] = material.list("transparency_entries");
  if (!entry) throw new JsonShapeError("verification_material.transparency_entries is empty");
  if (others.length > 0)
    throw new UnsupportedAttestation(`it has ${others.length + 1} transparency entries, of which only one could be checked`);
  const timestamps = readTimestamps(material);
  if (!entry.optionalObject("inclusionPromise") && timestamps.length === 0) {
    throw new UnsupportedAttestation(
      "it proves no time: it is logged in a Rekor v2 log, and PEP 740 has no agreed place yet for the timestamp that this needs",
    );
  }
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: base64(material, "certificate") },
      // The one entry as it is, in camel case unlike the appendix. The bundle's verifier knows its exact fields, and no others may hide in it.
      tlogEntries: material.value("transparency_entries") ?? [],
      ...(timestamps.length > 0 ? { timestampVerificationData: { rfc3161Timestamps: timestamps } } : {}),
    },
    dsseEnvelope: {
      payload: base64(envelope, "statement"),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: base64(envelope, "signature") }],
    },
  };
}

/** Both the provenance and each attestation in it have a version, which is 1. */
export function requireVersion(object: JsonFields, what: string): void {
  const version = object.value("version");
  if (typeof version !== "number") throw new JsonShapeError(`the ${what} has no version`);
  if (version !== 1) throw new UnsupportedAttestation(`the ${what} is of version ${version}, and only version 1 is known`);
}

/**
 * `timestamps`, a list of RFC 3161 responses in base64: the draft that makes room for Rekor v2.
 * https://github.com/pypa/packaging.python.org/pull/1936
 */
function readTimestamps(material: JsonFields): readonly JsonObject[] {
  if ((material.value("timestamps") ?? null) === null) return [];
  const texts = material.texts("timestamps");
  if (texts.length > MAX_TIMESTAMPS) throw new UnsupportedAttestation(`it has ${texts.length} timestamps, more than ${MAX_TIMESTAMPS}`);
  return texts.map((text) => ({ signedTimestamp: canonical(text, "verification_material.timestamps") }));
}

function base64(object: JsonFields, name: string): string {
  return canonical(object.text(name), name);
}

/**
 * Base64 in its one canonical spelling. Line breaks are let pass, as some writers make them; whatever else a lenient decoder would skip is not, so that
 * every verifier sees the same bytes.
 */
function canonical(text: string, name: string): string {
  const compact = text.replace(/[\r\n]/g, "");
  if (Buffer.from(compact, "base64").toString("base64") !== compact) throw new JsonShapeError(`${name} is not base64`);
  return compact;
}
