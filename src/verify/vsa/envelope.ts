import { type Checked, found, passed } from "../../core/finding.ts";
import { isJsonObject, type JsonValue } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { readStrictJson } from "../../core/strict-json.ts";
import { decodeBase64 } from "../sigstore/base64.ts";
import { STATEMENT_PAYLOAD_TYPE } from "../sigstore/statement.ts";

/** Bytes of one envelope. A summary has about 2 KiB. */
const MAX_ENVELOPE_BYTES = 256 * 1024;
const MAX_DEPTH = 8;

/** A DSSE envelope that has not been verified. https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export interface Envelope {
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** A hint, which nobody signed. */
  readonly keyId: string | undefined;
}

/** Reads an envelope with an in-toto statement and exactly one signature: with several, "signed" would mean signed by any of them. */
export function readEnvelope(body: Buffer): Checked<Envelope> {
  const read = readStrictJson(body, {
    maxBytes: MAX_ENVELOPE_BYTES,
    maxDepth: MAX_DEPTH,
    what: "the envelope",
    malformed: "BUNDLE_MALFORMED",
  });
  if (!read.ok) return read;
  if (!isJsonObject(read.value)) return found("BUNDLE_MALFORMED", "the envelope is not an object");
  const { payload, payloadType, signatures } = read.value;
  if (payloadType !== STATEMENT_PAYLOAD_TYPE) {
    return found("BUNDLE_UNSUPPORTED", `expected an envelope of ${STATEMENT_PAYLOAD_TYPE}, got ${quote(String(payloadType))}`);
  }
  if (!Array.isArray(signatures) || signatures.length !== 1)
    return found("BUNDLE_MALFORMED", "expected an envelope with exactly one signature");
  const [entry] = signatures as readonly JsonValue[];
  if (!isJsonObject(entry)) return found("BUNDLE_MALFORMED", "the envelope's signature is not an object");
  const { sig, keyid = null } = entry;
  const [content, signature] = [bytesOf(payload), bytesOf(sig)];
  if (!content || !signature) return found("BUNDLE_MALFORMED", "the envelope's payload or signature is not base64");
  if (keyid !== null && typeof keyid !== "string") return found("BUNDLE_MALFORMED", "the envelope's keyid is not a text");
  return passed({ payload: content, signature, keyId: keyid || undefined });
}

function bytesOf(value: JsonValue | undefined): Buffer | undefined {
  return typeof value === "string" && value !== "" ? decodeBase64(value) : undefined;
}
