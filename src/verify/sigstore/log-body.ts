import { createPublicKey, X509Certificate } from "node:crypto";
import { isJsonObject, type JsonValue } from "../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";
import { quote } from "../../core/quote.ts";
import { decodeBase64 } from "./base64.ts";
import type { HashAlgorithm, LogEntry } from "./bundle.ts";
import { BundleFinding, logEntryInvalid } from "./bundle-finding.ts";

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
  readonly read: (spec: JsonMember) => LogRecord;
}

const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ["hashedrekord 0.0.1", { log: "rekor1", read: readHashedRekord1 }],
  ["dsse 0.0.1", { log: "rekor1", read: readDsse1 }],
  ["intoto 0.0.2", { log: "rekor1", read: readIntoto2 }],
  ["hashedrekord 0.0.2", { log: "rekor2", read: readHashedRekord2 }],
  ["dsse 0.0.2", { log: "rekor2", read: readDsse2 }],
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
  const body = new JsonMember(parseBody(entry.body), "the log entry's body");
  if (body.text("kind") !== entry.kind || body.text("apiVersion") !== entry.version)
    throw logEntryInvalid("a log entry's body is of another type than the bundle says");
  return type.read(body.member("spec"));
}

function parseBody(body: Buffer): JsonValue {
  try {
    return parseStrictJsonObject(body, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw logEntryInvalid(`a log entry's body cannot be read: ${error.message}`);
    throw error;
  }
}

function readHashedRekord1(spec: JsonMember): LogRecord {
  const hash = spec.member("data").member("hash");
  const signature = spec.member("signature");
  return {
    signature: signature.base64("content"),
    digest: { of: "signed", ...readHash(hash) },
    verifier: readPem(signature.member("publicKey").base64("content")),
  };
}

function readDsse1(spec: JsonMember): LogRecord {
  const signature = spec.onlyItem("signatures");
  // Of the envelope as it was sent to the log, which a bundle no longer has; but no log of this type leaves it out.
  readHash(spec.member("envelopeHash"));
  return {
    signature: signature.base64("signature"),
    digest: { of: "payload", ...readHash(spec.member("payloadHash")) },
    verifier: readPem(signature.base64("verifier")),
  };
}

function readIntoto2(spec: JsonMember): LogRecord {
  const content = spec.member("content");
  const signature = content.member("envelope").onlyItem("signatures");
  // This entry type has the signature's base64 in base64 once more.
  const inner = decodeBase64(signature.base64("sig").toString("latin1"));
  if (inner === undefined) throw logEntryInvalid("a log entry's signature is not base64");
  return {
    signature: inner,
    digest: { of: "payload", ...readHash(content.member("payloadHash")) },
    verifier: readPem(signature.base64("publicKey")),
  };
}

function readHashedRekord2(spec: JsonMember): LogRecord {
  const entry = spec.member("hashedRekordV002");
  const signature = entry.member("signature");
  return {
    signature: signature.base64("content"),
    digest: { of: "signed", ...readHashOutput(entry.member("data")) },
    verifier: readVerifier(signature.member("verifier")),
  };
}

function readDsse2(spec: JsonMember): LogRecord {
  const entry = spec.member("dsseV002");
  const signature = entry.onlyItem("signatures");
  return {
    signature: signature.base64("content"),
    digest: { of: "payload", ...readHashOutput(entry.member("payloadHash")) },
    verifier: readVerifier(signature.member("verifier")),
  };
}

const HASHES: ReadonlyMap<string, { readonly algorithm: HashAlgorithm; readonly bytes: number }> = new Map([
  ["sha256", { algorithm: "sha256", bytes: 32 }],
  ["sha384", { algorithm: "sha384", bytes: 48 }],
  ["sha512", { algorithm: "sha512", bytes: 64 }],
  ["SHA2_256", { algorithm: "sha256", bytes: 32 }],
  ["SHA2_384", { algorithm: "sha384", bytes: 48 }],
  ["SHA2_512", { algorithm: "sha512", bytes: 64 }],
] as const);

function readHash(hash: JsonMember): { readonly algorithm: HashAlgorithm; readonly value: Buffer } {
  const hex = hash.text("value");
  return sized(hash.text("algorithm"), /^[0-9a-f]*$/.test(hex) ? Buffer.from(hex, "hex") : undefined);
}

function readHashOutput(hash: JsonMember): { readonly algorithm: HashAlgorithm; readonly value: Buffer } {
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

function readVerifier(verifier: JsonMember): LogRecord["verifier"] {
  return verifier.has("x509Certificate")
    ? { kind: "certificate", der: verifier.member("x509Certificate").base64("rawBytes") }
    : { kind: "public-key", der: verifier.member("publicKey").base64("rawBytes") };
}

/** A member of a log entry's body. The log has accepted the body as it is, so fields that we do not know are its affair. */
class JsonMember {
  readonly #value: JsonValue | undefined;
  readonly #path: string;

  constructor(value: JsonValue | undefined, path: string) {
    this.#value = value;
    this.#path = path;
  }

  has(name: string): boolean {
    return isJsonObject(this.#value) && Object.hasOwn(this.#value, name) && this.#value[name] !== null;
  }

  member(name: string): JsonMember {
    return new JsonMember(this.has(name) && isJsonObject(this.#value) ? this.#value[name] : undefined, `${this.#path}.${name}`);
  }

  onlyItem(name: string): JsonMember {
    const list = this.member(name).#value;
    if (!Array.isArray(list) || list.length !== 1) throw logEntryInvalid(`${this.#path}.${name} is not a list of one`);
    return new JsonMember(list[0], `${this.#path}.${name}`);
  }

  text(name: string): string {
    const value = this.member(name).#value;
    if (typeof value !== "string") throw logEntryInvalid(`${this.#path}.${name} is not a string`);
    return value;
  }

  base64(name: string): Buffer {
    const bytes = decodeBase64(this.text(name));
    if (bytes === undefined || bytes.length === 0) throw logEntryInvalid(`${this.#path}.${name} is not canonical base64`);
    return bytes;
  }
}
