import { verify } from "node:crypto";
import { checkSubject } from "../../core/check-subject.ts";
import type { Digests } from "../../core/digest.ts";
import { type Checked, found, passed } from "../../core/finding.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { Level, Statement } from "../../core/statement.ts";
import { BundleFinding } from "../sigstore/bundle-finding.ts";
import { preAuthEncoding } from "../sigstore/signed-content.ts";
import { readStatement, STATEMENT_PAYLOAD_TYPE } from "../sigstore/statement.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import { levelStatedBy } from "./levels.ts";
import type { VsaKey } from "./vsa-key.ts";
import { STATEMENT_TYPE, VSA_PREDICATE_TYPE } from "./vsa-types.ts";

/** Clocks of two machines differ. The time is the signer's own word, so nothing is lost by taking it for a little early. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** It is kept with the evidence. */
const MAX_ID_CHARACTERS = 2048;

/** RFC 3339. Date.parse takes much else. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

export interface VsaRequest {
  /** A DSSE envelope as JSON. */
  readonly envelope: Buffer;
  /** The only keys that count. */
  readonly keys: readonly VsaKey[];
  /** The archive's, as `formatPurl` writes it. */
  readonly purl: string;
  /** The archive's file name, which the statement must have it under. */
  readonly file: string;
  /** Of the archive, as computed. */
  readonly digests: Digests;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What another verifier found, as it says itself. */
export interface VerificationSummary {
  readonly signer: Extract<Signer, { readonly kind: "vsa" }>;
  readonly verifierId: string;
  /** Milliseconds since the epoch. */
  readonly verifiedAt: number;
  /** That its `verifiedLevels` amount to. How much of it counts is for the policy to say. */
  readonly level: Exclude<Level, "L0">;
  readonly statement: Statement;
}

/**
 * Checks another verifier's summary of an archive: signed by one of the keys (Ed25519, or ECDSA P-256 with SHA-256 in DER), about these bytes and this
 * purl, and PASSED. KEY_UNKNOWN: nobody accepted its key. SUBJECT_MISMATCH: it is about other bytes, or has them under another name.
 * PREDICATE_MISMATCH: it is about another package, or a refusal. TIMESTAMP_INVALID: dated in the future. How long ago it was made does not matter: what was found
 * out about these bytes then is so now, and whoever no longer believes it takes the key out of the policy. https://slsa.dev/spec/v1.1/verification_summary
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
    const subject = checkSubject(statement, { digests: request.digests, nameMatches: (name) => name === request.file, single: true });
    if (!subject.ok) return subject;
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

function readSummary(statement: Statement, { keyId }: VsaKey, request: VsaRequest): Checked<VerificationSummary> {
  const root = new JsonFields(statement.predicate ?? undefined, "predicate");
  const verifierId = root.object("verifier").text("id");
  if (verifierId.length > MAX_ID_CHARACTERS) throw new JsonShapeError("predicate.verifier.id is too long");
  const verifiedAt = timeOf(root.text("timeVerified"));
  const resource = root.text("resourceUri");
  root.object("policy").text("uri");
  const result = root.text("verificationResult");
  const levels = root.texts("verifiedLevels");
  if (result !== "PASSED") return found("PREDICATE_MISMATCH", `${quote(verifierId)} did not pass it: ${quote(result)}`);
  if (resource !== request.purl)
    return found("PREDICATE_MISMATCH", `the summary is about ${quote(resource)}, not about ${quote(request.purl)}`);
  if (verifiedAt > request.now + CLOCK_SKEW_MS) {
    return found("TIMESTAMP_INVALID", `the summary is dated ${new Date(verifiedAt).toISOString()}, which is in the future`);
  }
  return passed({ signer: { kind: "vsa", keyId }, verifierId, verifiedAt, level: levelStatedBy(levels), statement });
}

function timeOf(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new JsonShapeError("predicate.timeVerified is not a time");
  return time;
}
