import { type Checked, found, passed } from "../../core/finding.ts";
import { isJsonObject, type JsonValue } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { formatPurl } from "../../core/purl.ts";
import { quote } from "../../core/quote.ts";
import { readStrictJson } from "../../core/strict-json.ts";

/** Bytes of what the attestations endpoint answers. Two attestations have about 20 KiB. */
const MAX_ATTESTATIONS_BYTES = 8 * 1024 * 1024;
/** Attestations of one version. */
const MAX_ATTESTATIONS = 64;

/** One attestation of a version. Nothing in it is believed yet. */
export interface Attestation {
  /** For people: `npm attestation 1`. */
  readonly label: string;
  /** As the endpoint and the statement in the bundle both say. */
  readonly predicateType: string;
  /** A Sigstore bundle as JSON. */
  readonly bundle: Buffer;
}

export interface AttestationOptions {
  /** The document's name in a finding: "the attestations of tool@1.3.0". */
  readonly source: string;
  readonly maxDepth: number;
}

/**
 * Takes apart what `/-/npm/v1/attestations/NAME@VERSION` answers: `{attestations: [{predicateType, bundle}]}`. An empty list has no items.
 * BUNDLE_MALFORMED for what is no such document, BUNDLE_LIMIT past the bounds; PREDICATE_MISMATCH where the endpoint names another predicate than is
 * signed. One attestation that is wrong spoils the document.
 */
export function parseAttestations(body: Buffer, { source, maxDepth }: AttestationOptions): Checked<readonly Attestation[]> {
  const read = readStrictJson(body, { maxBytes: MAX_ATTESTATIONS_BYTES, maxDepth, what: source, malformed: "BUNDLE_MALFORMED" });
  if (!read.ok) return read;
  try {
    const listed = new JsonFields(read.value, "document").list("attestations");
    if (listed.length > MAX_ATTESTATIONS)
      return found("BUNDLE_LIMIT", `${source} has ${listed.length} attestations, more than ${MAX_ATTESTATIONS}`);
    const attestations: Attestation[] = [];
    for (const entry of listed) {
      const attestation = readAttestation(entry, { source, maxDepth }, attestations.length + 1);
      if (!attestation.ok) return attestation;
      attestations.push(attestation.value);
    }
    return passed(attestations);
  } catch (error) {
    if (error instanceof JsonShapeError) return found("BUNDLE_MALFORMED", `${source}: ${error.message}`);
    throw error;
  }
}

/** Whether a statement's subject is named as this version is: by its purl, which npm writes with `%40` and nothing else escaped. */
export function isSubjectName(subject: string, { name, version }: { readonly name: string; readonly version: string }): boolean {
  const purl = formatPurl({ ecosystem: "npm", name, version, file: "" });
  return subject === purl || subject === `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

function readAttestation(entry: JsonFields, options: AttestationOptions, number: number): Checked<Attestation> {
  const predicateType = entry.text("predicateType");
  const bundle = entry.object("bundle");
  const signed = signedPredicateType(bundle.object("dsseEnvelope").text("payload"), options);
  if (!signed.ok) return signed;
  if (signed.value !== predicateType) {
    return found(
      "PREDICATE_MISMATCH",
      `the registry calls attestation ${number} ${quote(predicateType)}, what is signed is ${quote(signed.value)}`,
    );
  }
  return passed({ label: `npm attestation ${number}`, predicateType, bundle: Buffer.from(JSON.stringify(entry.value("bundle"))) });
}

/** Read before the signature is checked, from the same bytes: their base64 has one spelling here, and their JSON one reading. */
function signedPredicateType(payload: string, { source, maxDepth }: AttestationOptions): Checked<string> {
  const bytes = Buffer.from(payload, "base64");
  if (bytes.toString("base64") !== payload) return found("BUNDLE_MALFORMED", `${source}: a payload is not base64`);
  const what = `a statement in ${source}`;
  const statement = readStrictJson(bytes, { maxBytes: MAX_ATTESTATIONS_BYTES, maxDepth, what, malformed: "STATEMENT_MALFORMED" });
  if (!statement.ok) return statement;
  const type: JsonValue | undefined = isJsonObject(statement.value) ? statement.value["predicateType"] : undefined;
  return typeof type === "string" ? passed(type) : found("STATEMENT_MALFORMED", `${what} has no predicateType`);
}
