import type { JsonObject } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { BundleFinding, logEntryInvalid, malformed, unsupported } from "./bundle-finding.ts";
import { MessageReader } from "./message-reader.ts";

/** The media types there are, each with the format version that its rules come from. Nothing else is read, not even a later version. */
const VERSIONS: ReadonlyMap<string, FormatVersion> = new Map([
  ["application/vnd.dev.sigstore.bundle+json;version=0.1", "0.1"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.2", "0.2"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.3", "0.3"],
  ["application/vnd.dev.sigstore.bundle.v0.3+json", "0.3"],
]);
type FormatVersion = "0.1" | "0.2" | "0.3";

const MAX_LOG_ENTRIES = 8;
const MAX_TIMESTAMPS = 8;
const MAX_CERTIFICATES = 8;
const MAX_PROOF_HASHES = 64;
/** SHA-256. Of another length, two hashes side by side could stand for other two. */
const NODE_HASH_BYTES = 32;
/** Fulcio's are below 2 KiB; the claims of a workflow bring them near 3. */
const MAX_CERTIFICATE_BYTES = 16 * 1024;
const MAX_KEY_HINT_CHARACTERS = 1024;
const MAX_SIGNATURE_BYTES = 8 * 1024;

export type HashAlgorithm = "sha256" | "sha384" | "sha512";

const HASH_ALGORITHMS: ReadonlyMap<string, HashAlgorithm> = new Map([
  ["SHA2_256", "sha256"],
  ["SHA2_384", "sha384"],
  ["SHA2_512", "sha512"],
]);

/** A Sigstore bundle that has the right shape. Nothing in it is verified. */
export interface Bundle {
  readonly key: BundleKey;
  readonly entries: readonly [LogEntry, ...LogEntry[]];
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Buffer[];
  readonly content: BundleContent;
}

export type BundleKey =
  /** DER. The chain is what a bundle of format 0.2 brings beside the leaf: never trusted, only looked at. */
  | { readonly kind: "certificate"; readonly leaf: Buffer; readonly chain: readonly Buffer[] }
  /** A key that the verifier must already have. The hint says which; it proves nothing. */
  | { readonly kind: "public-key"; readonly hint: string };

export type BundleContent =
  | { readonly kind: "message"; readonly algorithm: HashAlgorithm; readonly digest: Buffer; readonly signature: Buffer }
  | { readonly kind: "dsse"; readonly payloadType: string; readonly payload: Buffer; readonly signature: Buffer };

export interface LogEntry {
  readonly logIndex: number;
  readonly logId: Buffer;
  readonly kind: string;
  readonly version: string;
  /** Seconds since the epoch. Only an inclusion promise vouches for it. */
  readonly integratedTime: number | undefined;
  /** The log's signature over index, time and body ("signed entry timestamp"). */
  readonly promise: Buffer | undefined;
  readonly proof: InclusionProof | undefined;
  readonly body: Buffer;
}

export interface InclusionProof {
  readonly logIndex: number;
  readonly treeSize: number;
  readonly rootHash: Buffer;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
}

/**
 * Reads a bundle of format 0.1 to 0.3 by its exact fields. Throws a BundleFinding: BUNDLE_MALFORMED, BUNDLE_UNSUPPORTED, BUNDLE_LIMIT,
 * CLAIM_CONFLICT where its envelope names another key, or LOG_ENTRY_INVALID where the log entries are not what the format asks for.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
 */
export function readBundle(json: JsonObject): Bundle {
  const bundle = new MessageReader(json, "bundle", ["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"]);
  const mediaType = bundle.text("mediaType");
  const version = VERSIONS.get(mediaType);
  if (version === undefined) throw unsupported(`the bundle's media type ${quote(mediaType)} is none of formats 0.1 to 0.3`);
  const material = bundle.message("verificationMaterial", [
    "publicKey",
    "x509CertificateChain",
    "certificate",
    "tlogEntries",
    "timestampVerificationData",
  ]);
  const key = readKey(material, version);
  const entries = material.messages("tlogEntries", ENTRY_FIELDS, MAX_LOG_ENTRIES).map((entry) => readEntry(entry, version));
  const [first, ...others] = entries;
  if (first === undefined) throw logEntryInvalid("the bundle has no transparency log entry");
  refuseRepeated(entries);
  return {
    key,
    entries: [first, ...others],
    timestamps: readTimestamps(material),
    content: readContent(bundle, key),
  };
}

function readKey(material: MessageReader, version: FormatVersion): BundleKey {
  const kinds = ["publicKey", "x509CertificateChain", "certificate"].filter((kind) => material.has(kind));
  if (kinds.length !== 1) throw malformed(`the bundle names ${kinds.length === 0 ? "no key" : `its key ${kinds.length} times`}`);
  if (material.has("publicKey")) {
    const hint = material.message("publicKey", ["hint"]).optionalText("hint") ?? "";
    if (hint.length > MAX_KEY_HINT_CHARACTERS) throw malformed("the bundle's key hint is too long");
    return { kind: "public-key", hint };
  }
  if (material.has("certificate")) {
    if (version !== "0.3") throw malformed(`a bundle of format ${version} must have its certificate in a chain`);
    return { kind: "certificate", leaf: readDer(material.message("certificate", ["rawBytes"])), chain: [] };
  }
  if (version === "0.3") throw malformed("a bundle of format 0.3 must have one certificate and no chain");
  const [leaf, ...chain] = material
    .message("x509CertificateChain", ["certificates"])
    .messages("certificates", ["rawBytes"], MAX_CERTIFICATES)
    .map(readDer);
  if (leaf === undefined) throw malformed("the bundle's certificate chain is empty");
  // What npm signed with format 0.1 has the root in it. That chain is not used, so it does no harm.
  return { kind: "certificate", leaf, chain: version === "0.1" ? [] : chain };
}

function readDer(certificate: MessageReader): Buffer {
  const der = certificate.bytes("rawBytes");
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw new BundleFinding("BUNDLE_LIMIT", `a certificate is larger than ${MAX_CERTIFICATE_BYTES} bytes`);
  return der;
}

const ENTRY_FIELDS = [
  "logIndex",
  "logId",
  "kindVersion",
  "integratedTime",
  "inclusionPromise",
  "inclusionProof",
  "canonicalizedBody",
] as const;

function readEntry(entry: MessageReader, version: FormatVersion): LogEntry {
  const kindVersion = entry.message("kindVersion", ["kind", "version"]);
  const promise = entry.optionalMessage("inclusionPromise", ["signedEntryTimestamp"])?.bytes("signedEntryTimestamp");
  const proof = entry.optionalMessage("inclusionProof", ["logIndex", "rootHash", "treeSize", "hashes", "checkpoint"]);
  if (version === "0.1" && promise === undefined) throw logEntryInvalid("a log entry of a bundle of format 0.1 has no inclusion promise");
  if (version !== "0.1" && proof === undefined)
    throw logEntryInvalid(`a log entry of a bundle of format ${version} has no inclusion proof`);
  return {
    logIndex: entry.has("logIndex") ? entry.count("logIndex") : 0,
    logId: entry.message("logId", ["keyId"]).bytes("keyId"),
    kind: kindVersion.text("kind"),
    version: kindVersion.text("version"),
    integratedTime: entry.has("integratedTime") ? entry.count("integratedTime") || undefined : undefined,
    promise,
    proof: proof && readProof(proof),
    body: entry.bytes("canonicalizedBody"),
  };
}

function readProof(proof: MessageReader): InclusionProof {
  const checkpoint = proof.optionalMessage("checkpoint", ["envelope"])?.text("envelope");
  if (checkpoint === undefined) throw logEntryInvalid("an inclusion proof has no checkpoint, so no log has signed its root");
  const rootHash = proof.bytes("rootHash");
  const hashes = proof.bytesList("hashes", MAX_PROOF_HASHES);
  if ([rootHash, ...hashes].some(({ length }) => length !== NODE_HASH_BYTES))
    throw logEntryInvalid(`a hash of an inclusion proof is not ${NODE_HASH_BYTES} bytes long`);
  return {
    logIndex: proof.has("logIndex") ? proof.count("logIndex") : 0,
    treeSize: proof.count("treeSize"),
    rootHash,
    hashes,
    checkpoint,
  };
}

/** One entry twice is one witness: it must not look like two. */
function refuseRepeated(entries: readonly LogEntry[]): void {
  const distinct = new Set(entries.map(({ logId, body }) => `${logId.toString("hex")} ${body.toString("base64")}`));
  if (distinct.size !== entries.length) throw logEntryInvalid("the bundle has one log entry more than once");
}

function readTimestamps(material: MessageReader): readonly Buffer[] {
  const data = material.optionalMessage("timestampVerificationData", ["rfc3161Timestamps"]);
  const timestamps = data?.messages("rfc3161Timestamps", ["signedTimestamp"], MAX_TIMESTAMPS) ?? [];
  return timestamps.map((timestamp) => timestamp.bytes("signedTimestamp"));
}

function readContent(bundle: MessageReader, key: BundleKey): BundleContent {
  const message = bundle.optionalMessage("messageSignature", ["messageDigest", "signature"]);
  const envelope = bundle.optionalMessage("dsseEnvelope", ["payload", "payloadType", "signatures"]);
  if (message !== undefined && envelope !== undefined) throw malformed("the bundle has both a message signature and a DSSE envelope");
  if (message !== undefined) return readMessageSignature(message);
  if (envelope !== undefined) return readEnvelope(envelope, key);
  throw malformed("the bundle has neither a message signature nor a DSSE envelope");
}

function readMessageSignature(message: MessageReader): BundleContent {
  const digest = message.message("messageDigest", ["algorithm", "digest"]);
  const name = digest.text("algorithm");
  const algorithm = HASH_ALGORITHMS.get(name);
  if (algorithm === undefined) throw unsupported(`the signed digest's algorithm ${quote(name)} is none of SHA2_256, SHA2_384 and SHA2_512`);
  return { kind: "message", algorithm, digest: digest.bytes("digest"), signature: readSignature(message, "signature") };
}

function readEnvelope(envelope: MessageReader, key: BundleKey): BundleContent {
  const [signature, ...others] = envelope.messages("signatures", ["sig", "keyid"], 2);
  if (signature === undefined || others.length > 0) throw malformed("the DSSE envelope must have exactly one signature");
  refuseOtherKey(signature.optionalText("keyid") ?? "", key);
  return {
    kind: "dsse",
    payloadType: envelope.text("payloadType"),
    payload: envelope.bytes("payload"),
    signature: readSignature(signature, "sig"),
  };
}

/**
 * npm's client looks the key up by the envelope's keyid, which nobody signed, and others by the bundle's hint: where the two differ, they would verify
 * with different keys. A bundle with a certificate has no key to name.
 */
function refuseOtherKey(keyId: string, key: BundleKey): void {
  if (keyId === "" || (key.kind === "public-key" && keyId === key.hint)) return;
  const own = key.kind === "certificate" ? "a certificate" : `the key ${quote(key.hint)}`;
  throw new BundleFinding("CLAIM_CONFLICT", `the bundle is signed with ${own}, but its envelope names the key ${quote(keyId)}`);
}

function readSignature(message: MessageReader, field: string): Buffer {
  const signature = message.bytes(field);
  if (signature.length > MAX_SIGNATURE_BYTES)
    throw new BundleFinding("BUNDLE_LIMIT", `a signature is larger than ${MAX_SIGNATURE_BYTES} bytes`);
  return signature;
}
