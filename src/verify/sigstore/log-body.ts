import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import type { JsonValue } from "../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";
import { quote } from "../../core/quote.ts";
import { decodeBase64 } from "./base64.ts";
import type { HashAlgorithm, LogEntry } from "./bundle.ts";
import { BundleFinding, logEntryInvalid } from "./bundle-finding.ts";
import { isDescribedBy } from "./key-details.ts";
import { RecordMember } from "./record-member.ts";

const MAX_DEPTH = 32;

/** What a log recorded: the signature, what it is over, and by which key. */
export interface LogRecord {
  readonly signature: Buffer;
  /** `signed`: of the bytes that were signed. `payload`: of a DSSE envelope's payload. */
  readonly digest: { readonly of: "signed" | "payload"; readonly algorithm: HashAlgorithm; readonly value: Buffer };
  readonly verifier: { readonly kind: "certificate" | "public-key"; readonly der: Buffer };
}

interface EntryType {
  readonly log: "rekor1" | "rekor2";
  /** Of its `spec`. */
  readonly fields: readonly string[];
  readonly read: (spec: RecordMember) => LogRecord;
}

const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ["hashedrekord 0.0.1", { log: "rekor1", fields: ["data", "signature"], read: readHashedRekord1 }],
  ["dsse 0.0.1", { log: "rekor1", fields: ["envelopeHash", "payloadHash", "signatures"], read: readDsse1 }],
  ["intoto 0.0.2", { log: "rekor1", fields: ["content"], read: readIntoto2 }],
  ["hashedrekord 0.0.2", { log: "rekor2", fields: ["hashedRekordV002"], read: readHashedRekord2 }],
  ["dsse 0.0.2", { log: "rekor2", fields: ["dsseV002"], read: readDsse2 }],
] as const);

/** Which generation of log an entry is of. Throws BUNDLE_UNSUPPORTED for an entry type that we cannot read. */
export function entryType(entry: LogEntry): EntryType {
  const type = ENTRY_TYPES.get(`${entry.kind} ${entry.version}`);
  if (type === undefined)
    throw new BundleFinding("BUNDLE_UNSUPPORTED", `log entries of type ${quote(`${entry.kind} ${entry.version}`)} are not supported`);
  return type;
}

/**
 * Reads the body that a log's proof is over. The library compares its signature and digest with the bundle's, but not its key: an entry
 * that somebody else made over the same bytes would do (CVE-2026-22703 was of this kind). Throws LOG_ENTRY_INVALID, BUNDLE_UNSUPPORTED.
 */
export function readLogRecord(entry: LogEntry): LogRecord {
  const type = entryType(entry);
  const body = new RecordMember(parseBody(entry.body), "the log entry's body", ["apiVersion", "kind", "spec"]);
  if (body.text("kind") !== entry.kind || body.text("apiVersion") !== entry.version)
    throw logEntryInvalid("a log entry's body is of another type than the bundle says");
  return type.read(body.member("spec", type.fields));
}

function parseBody(body: Buffer): JsonValue {
  try {
    return parseStrictJsonObject(body, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw logEntryInvalid(`a log entry's body cannot be read: ${error.message}`);
    throw error;
  }
}

function readHashedRekord1(spec: RecordMember): LogRecord {
  const hash = spec.member("data", ["hash"]).member("hash", HASH_1);
  const signature = spec.member("signature", ["content", "publicKey"]);
  return {
    signature: signature.base64("content"),
    digest: { of: "signed", ...readHash(hash) },
    verifier: readPem(signature.member("publicKey", ["content"]).base64("content")),
  };
}

function readDsse1(spec: RecordMember): LogRecord {
  const signature = spec.onlyItem("signatures", ["signature", "verifier"]);
  // Of the envelope as it was sent to the log, which a bundle no longer has; but no log of this type leaves it out.
  readHash(spec.member("envelopeHash", HASH_1));
  return {
    signature: signature.base64("signature"),
    digest: { of: "payload", ...readHash(spec.member("payloadHash", HASH_1)) },
    verifier: readPem(signature.base64("verifier")),
  };
}

function readIntoto2(spec: RecordMember): LogRecord {
  const content = spec.member("content", ["envelope", "hash", "payloadHash"]);
  const envelope = content.member("envelope", ["payload", "payloadType", "signatures"]);
  envelope.text("payloadType");
  const signature = envelope.onlyItem("signatures", ["keyid", "publicKey", "sig"]);
  // This entry type has the signature's base64 in base64 once more.
  const inner = decodeBase64(signature.base64("sig").toString("latin1"));
  if (inner === undefined) throw logEntryInvalid("a log entry's signature is not base64");
  return {
    signature: inner,
    digest: { of: "payload", ...readHash(content.member("payloadHash", HASH_1)) },
    verifier: readPem(signature.base64("publicKey")),
  };
}

function readHashedRekord2(spec: RecordMember): LogRecord {
  const entry = spec.member("hashedRekordV002", ["data", "signature"]);
  const signature = entry.member("signature", SIGNATURE_2);
  const hash = readHashOutput(entry.member("data", HASH_2));
  return {
    signature: signature.base64("content"),
    digest: { of: "signed", ...hash },
    verifier: readVerifier(signature.member("verifier", VERIFIER_2), hash.algorithm),
  };
}

function readDsse2(spec: RecordMember): LogRecord {
  const entry = spec.member("dsseV002", ["payloadHash", "signatures"]);
  const signature = entry.onlyItem("signatures", SIGNATURE_2);
  return {
    signature: signature.base64("content"),
    digest: { of: "payload", ...readHashOutput(entry.member("payloadHash", HASH_2)) },
    verifier: readVerifier(signature.member("verifier", VERIFIER_2)),
  };
}

const HASH_1 = ["algorithm", "value"];
const HASH_2 = ["algorithm", "digest"];
const SIGNATURE_2 = ["content", "verifier"];
const VERIFIER_2 = ["keyDetails", "publicKey", "x509Certificate"];

const HASHES: ReadonlyMap<string, { readonly algorithm: HashAlgorithm; readonly bytes: number }> = new Map([
  ["sha256", { algorithm: "sha256", bytes: 32 }],
  ["sha384", { algorithm: "sha384", bytes: 48 }],
  ["sha512", { algorithm: "sha512", bytes: 64 }],
  ["SHA2_256", { algorithm: "sha256", bytes: 32 }],
  ["SHA2_384", { algorithm: "sha384", bytes: 48 }],
  ["SHA2_512", { algorithm: "sha512", bytes: 64 }],
] as const);

function readHash(hash: RecordMember): { readonly algorithm: HashAlgorithm; readonly value: Buffer } {
  const hex = hash.text("value");
  return sized(hash.text("algorithm"), /^[0-9a-f]*$/.test(hex) ? Buffer.from(hex, "hex") : undefined);
}

function readHashOutput(hash: RecordMember): { readonly algorithm: HashAlgorithm; readonly value: Buffer } {
  return sized(hash.text("algorithm"), hash.base64("digest"));
}

function sized(name: string, value: Buffer | undefined): { readonly algorithm: HashAlgorithm; readonly value: Buffer } {
  const hash = HASHES.get(name);
  if (hash === undefined || value?.length !== hash.bytes) throw logEntryInvalid("a log entry's digest is not one");
  return { algorithm: hash.algorithm, value };
}

function readPem(pem: Buffer): LogRecord["verifier"] {
  try {
    // What the text calls itself decides: `createPublicKey` would also take a certificate, and forget all of it but the key.
    return pem.includes("-----BEGIN CERTIFICATE-----")
      ? { kind: "certificate", der: new X509Certificate(pem).raw }
      : { kind: "public-key", der: createPublicKey(pem).export({ type: "spki", format: "der" }) };
  } catch {
    throw logEntryInvalid("a log entry's key is neither a certificate nor a public key");
  }
}

/** The record also says of what kind the key is: not of another than is there, nor one that does not sign digests of the algorithm in `signed`. */
function readVerifier(verifier: RecordMember, signed?: HashAlgorithm): LogRecord["verifier"] {
  const kind = verifier.has("x509Certificate") ? "certificate" : "public-key";
  if (kind === "certificate" && verifier.has("publicKey")) throw logEntryInvalid("a log entry names its signer's key twice");
  const der = verifier.member(kind === "certificate" ? "x509Certificate" : "publicKey", ["rawBytes"]).base64("rawBytes");
  const key = readKey(kind, der);
  const details = verifier.text("keyDetails");
  if (!isDescribedBy(key, details, signed)) throw logEntryInvalid(`a log entry calls its signer's key ${quote(details)}, which it is not`);
  return { kind, der };
}

function readKey(kind: LogRecord["verifier"]["kind"], der: Buffer): KeyObject {
  try {
    return kind === "certificate" ? new X509Certificate(der).publicKey : createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    throw logEntryInvalid("a log entry's key is neither a certificate nor a public key");
  }
}
