import { verify } from "node:crypto";
import type { Digests } from "../../core/digest.ts";
import { type Checked, found, passed } from "../../core/finding.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import { BundleFinding } from "../sigstore/bundle-finding.ts";
import { preAuthEncoding } from "../sigstore/signed-content.ts";
import { readStatement, requireSubject, STATEMENT_PAYLOAD_TYPE } from "../sigstore/statement.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import type { VsaKey } from "./vsa-key.ts";

const VSA_PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** RFC 3339. Date.parse takes much else. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

export interface VsaRequest {
  /** A DSSE envelope as JSON. */
  readonly envelope: Buffer;
  /** The only keys that count. */
  readonly keys: readonly VsaKey[];
  /** The archive's, as `formatPurl` writes it. */
  readonly purl: string;
  /** Of the archive, as computed. */
  readonly digests: Digests;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Verifiers that the operator accepts by id; undefined for whoever has the key. */
  readonly verifierIds?: readonly string[];
  /** How old a summary may be; undefined for any age. */
  readonly maxAgeMs?: number;
}

/** What another verifier found, as it says itself. */
export interface VerificationSummary {
  readonly signer: Extract<Signer, { readonly kind: "vsa" }>;
  readonly verifierId: string;
  /** Milliseconds since the epoch. */
  readonly verifiedAt: number;
  /** The policy that it judged by. */
  readonly policyUri: string;
  /** `SLSA_BUILD_LEVEL_2`, …, or levels of the verifier's own. */
  readonly levels: readonly string[];
}

/**
 * Checks another verifier's summary of an archive: signed by one of the keys (Ed25519, or ECDSA P-256 with SHA-256 in DER), about these bytes and this
 * purl, and PASSED. KEY_UNKNOWN: nobody accepted its key. PREDICATE_MISMATCH: it is about another package, by another verifier, or a refusal.
 * TIMESTAMP_INVALID: dated in the future, or too old. https://slsa.dev/spec/v1.1/verification_summary
 */
export function verifyVsa(request: VsaRequest): Checked<VerificationSummary> {
  const envelope = readEnvelope(request.envelope);
  if (!envelope.ok) return envelope;
  const signer = findSigner(envelope.value, request.keys);
  if (!signer.ok) return signer;
  try {
    // Only now: what is not signed by a known key is not worth a look inside.
    const statement = readStatement(envelope.value.payload);
    if (statement.type !== STATEMENT_TYPE) return found("STATEMENT_MALFORMED", `expected a statement of type ${STATEMENT_TYPE}`);
    if (statement.predicateType !== VSA_PREDICATE_TYPE) {
      return found("PREDICATE_UNSUPPORTED", `expected a verification summary, got a predicate of type ${quote(statement.predicateType)}`);
    }
    requireSubject(statement, request.digests);
    return readSummary(statement, signer.value, request);
  } catch (error) {
    if (error instanceof BundleFinding) return { ok: false, finding: error.finding };
    if (error instanceof JsonShapeError) return found("PREDICATE_MALFORMED", error.message);
    throw error;
  }
}

function findSigner(envelope: Envelope, keys: readonly VsaKey[]): Checked<VsaKey> {
  const named = keys.find(({ keyId }) => keyId === envelope.keyId);
  const signed = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, envelope.payload);
  const signer = (named ? [named] : keys).find(({ key }) => {
    const isEd25519 = key.asymmetricKeyType === "ed25519";
    return verify(isEd25519 ? null : "sha256", signed, isEd25519 ? key : { key, dsaEncoding: "der" }, envelope.signature);
  });
  if (signer) return passed(signer);
  if (named) return found("SIGNATURE_INVALID", `the key ${quote(named.keyId)} did not sign the summary`);
  return found("KEY_UNKNOWN", `the summary is signed by none of the ${keys.length} keys that the policy accepts`);
}

function readSummary({ predicate }: Statement, { keyId }: VsaKey, request: VsaRequest): Checked<VerificationSummary> {
  const root = new JsonFields(predicate ?? undefined, "predicate");
  const verifierId = root.object("verifier").text("id");
  const verifiedAt = timeOf(root.text("timeVerified"));
  const resource = root.text("resourceUri");
  const policyUri = root.object("policy").text("uri");
  const result = root.text("verificationResult");
  const levels = root.texts("verifiedLevels");
  if (result !== "PASSED") return found("PREDICATE_MISMATCH", `${quote(verifierId)} did not pass it: ${quote(result)}`);
  if (resource !== request.purl)
    return found("PREDICATE_MISMATCH", `the summary is about ${quote(resource)}, not about ${quote(request.purl)}`);
  if (request.verifierIds && !request.verifierIds.includes(verifierId)) {
    return found("PREDICATE_MISMATCH", `the summary is by ${quote(verifierId)}, expected ${request.verifierIds.map(quote).join(" or ")}`);
  }
  const at = new Date(verifiedAt).toISOString();
  if (verifiedAt > request.now) return found("TIMESTAMP_INVALID", `the summary is dated ${at}, which is in the future`);
  if (request.maxAgeMs !== undefined && request.now - verifiedAt > request.maxAgeMs) {
    return found("TIMESTAMP_INVALID", `the summary is of ${at}, which is too long ago`);
  }
  return passed({ signer: { kind: "vsa", keyId }, verifierId, verifiedAt, policyUri, levels });
}

function timeOf(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new JsonShapeError("predicate.timeVerified is not a time");
  return time;
}
