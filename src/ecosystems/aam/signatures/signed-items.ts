import { type Checked, found, passed } from "../../../core/finding.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { SignedItem } from "../../../core/ports/ecosystem.ts";
import { readStrictJson } from "../../../core/strict-json.ts";
import type { EvidenceEnding } from "./folder-evidence.ts";

/** Bytes of what `/signature` answers, or of a bundle. The largest bundles have some 20 KiB. */
const MAX_SIGNATURES_BYTES = 4 * 1024 * 1024;
/** Signatures and attestations of one version. */
const MAX_ITEMS = 64;

/** A registry's own word for a version, where it is a signed summary in a DSSE envelope: `{type, envelope}`. */
export const REGISTRY_ATTESTATION = "registry-attestation";

/**
 * The items of what `/signature` answers: `{signatures: [{type, …}], attestations: [{predicateType, bundle}]}`. Entries of types that are not known are left out;
 * so are Sigstore signatures in the AAM dialect's own form, which has nothing that could be checked without asking a log: they prove nothing either way.
 * BUNDLE_MALFORMED for an entry of a known type that is not complete, BUNDLE_LIMIT past the bounds: one that is wrong spoils the document.
 */
export function itemsOfAnswer(
  body: Buffer,
  { source, maxDepth }: { readonly source: string; readonly maxDepth: number },
): Checked<readonly SignedItem[]> {
  const read = readStrictJson(body, { maxBytes: MAX_SIGNATURES_BYTES, maxDepth, what: source, malformed: "BUNDLE_MALFORMED" });
  if (!read.ok) return read;
  try {
    const answer = new JsonFields(read.value, "answer");
    const signatures = answer.optionalList("signatures").flatMap(itemOfSignature);
    const attestations = answer.optionalList("attestations").flatMap(itemOfAttestation);
    const items = [...signatures, ...attestations];
    return items.length > MAX_ITEMS ? found("BUNDLE_LIMIT", `${source} are ${items.length}, more than ${MAX_ITEMS}`) : passed(items);
  } catch (error) {
    if (error instanceof JsonShapeError) return found("BUNDLE_MALFORMED", `${source}: ${error.message}`);
    throw error;
  }
}

/** The items of a file beside an archive in a local registry, by its ending. */
export function itemsOfFile(ending: EvidenceEnding, body: Buffer, maxDepth: number): Checked<readonly SignedItem[]> {
  switch (ending) {
    case ".sigstore.json":
      return itemsOfBundle("Sigstore bundle", body, maxDepth);
    case ".asc":
      return passed([{ kind: "openpgp", label: "OpenPGP signature", signature: body }]);
    case ".provenance.json":
      return itemsOfBundle("attestation", body, maxDepth);
    default:
      return ending satisfies never;
  }
}

/** The item of a file that is a bundle: none for one in the AAM dialect's own form. The bytes stay as they are, for the verifier to read strictly. */
function itemsOfBundle(label: string, body: Buffer, maxDepth: number): Checked<readonly SignedItem[]> {
  const read = readStrictJson(body, { maxBytes: MAX_SIGNATURES_BYTES, maxDepth, what: `the ${label}`, malformed: "BUNDLE_MALFORMED" });
  if (!read.ok) return read;
  return passed(isHomeMade(read.value) ? [] : [{ kind: "sigstore", label, bundle: body }]);
}

function itemOfSignature(entry: JsonFields, index: number): readonly SignedItem[] {
  const number = index + 1;
  switch (entry.value("type")) {
    case "sigstore": {
      const bundle = entry.value("bundle");
      return bundle === undefined || isHomeMade(bundle) ? [] : [sigstore(`Sigstore bundle ${number}`, entry)];
    }
    case "gpg":
      return [{ kind: "openpgp", label: `OpenPGP signature ${number}`, signature: Buffer.from(entry.text("signature"), "utf8") }];
    case REGISTRY_ATTESTATION: {
      // The AAM dialect's own form has no envelope: its signature covers a publisher's name that nothing tells, so nobody can check it.
      if (entry.value("envelope") === undefined) return [];
      entry.object("envelope");
      return [{ kind: "vsa", label: `registry attestation ${number}`, envelope: Buffer.from(JSON.stringify(entry.value("envelope"))) }];
    }
    default:
      return [];
  }
}

function itemOfAttestation(entry: JsonFields, index: number): readonly SignedItem[] {
  const predicateType = entry.optionalText("predicateType");
  return [sigstore(`attestation ${index + 1}`, entry, predicateType === undefined ? {} : { predicateType })];
}

function sigstore(label: string, entry: JsonFields, context: JsonObject = {}): SignedItem {
  entry.object("bundle");
  return { kind: "sigstore", label, bundle: Buffer.from(JSON.stringify(entry.value("bundle"))), context };
}

/** `{type: "sigstore", version: "1.0", certificate: {pem}, transparency_log: …}`: it has no signed checkpoint and no promise of the log. */
function isHomeMade(bundle: JsonValue): boolean {
  return isJsonObject(bundle) && bundle["type"] === "sigstore" && bundle["mediaType"] === undefined;
}
