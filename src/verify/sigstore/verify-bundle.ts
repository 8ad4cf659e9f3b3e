import { X509Certificate } from "@sigstore/core";
import type { TransparencyLogEntry } from "@sigstore/protobuf-specs";
import { type SignedEntity, Verifier } from "@sigstore/verify";
import type { Digests } from "../../core/digest.ts";
import type { Checked } from "../../core/finding.ts";
import type { JsonObject } from "../../core/json.ts";
import { DEFAULT_LIMITS, type Limits } from "../../core/limits.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import { readTimestamp, requireKnownIssuer } from "./authorities.ts";
import { type Bundle, type LogEntry, readBundle } from "./bundle.ts";
import { BundleFinding, malformed, unsupported } from "./bundle-finding.ts";
import { readSigningCertificate, refuseRoots } from "./certificate.ts";
import { libraryFinding } from "./library-error.ts";
import {
  type BoundEntry,
  bindEntry,
  provenIndex,
  requireLogInUse,
  requireRecordedCertificate,
  requireRecordedKey,
  requireTimeWithin,
} from "./log-entry.ts";
import { type ManagedKey, requireValid, selectKey } from "./managed-key.ts";
import { outOfForce } from "./out-of-force.ts";
import { rememberEncoding } from "./remember-encoding.ts";
import { type SignedContent, signedContent } from "./signed-content.ts";
import { readStatement, requireSubject, STATEMENT_PAYLOAD_TYPE } from "./statement.ts";
import type { TrustRoot } from "./trust-root.ts";

const MAX_DEPTH = 64;

export interface BundleRequest {
  readonly bundle: Buffer;
  readonly root: TrustRoot;
  /** What the bundle must be about. A signature over SHA-384 or SHA-512 needs that digest too. */
  readonly artifact: { readonly digests: Digests };
  /** Keys for bundles without a certificate. */
  readonly keys?: readonly ManagedKey[];
  readonly limits?: Pick<Limits, "bundleBytes">;
}

/** A bundle whose cryptography holds, about this artifact. Whether its signer may sign it, and what its statement claims, is for others to judge. */
export interface VerifiedBundle {
  readonly signer: Signer;
  readonly content:
    | { readonly kind: "statement"; readonly statement: Statement; readonly payloadType: string }
    | { readonly kind: "message" };
  /** The earliest time that a log or a time-stamping authority vouches for, in milliseconds since the epoch. */
  readonly signedAt: number;
  /** The first entry. `logId` is hexadecimal. */
  readonly log: { readonly kind: "rekor1" | "rekor2"; readonly logIndex: number; readonly logId: string };
  readonly trustRootSha256: string;
}

/**
 * Verifies a Sigstore bundle against one trust root, with no network. What @sigstore/verify leaves open is checked here: that bundle and log
 * entry have one reading only, that the log recorded this certificate, what the certificate is for, and what the content is about.
 * Pure and synchronous, about 15 ms of computing. Never throws: whatever goes wrong is a finding. Hostile input that finds a way to be slow is
 * the caller's to stop, so run it through `SigstoreVerification`.
 */
export function verifyBundle(request: BundleRequest): Checked<VerifiedBundle> {
  try {
    return { ok: true, value: verify(request) };
  } catch (error) {
    return { ok: false, finding: error instanceof BundleFinding ? error.finding : libraryFinding(error) };
  }
}

function verify({ bundle: bytes, root, artifact, keys = [], limits = DEFAULT_LIMITS }: BundleRequest): VerifiedBundle {
  const bundle = readBundle(parse(bytes, limits.bundleBytes));
  const payloadType = bundle.content.kind === "dsse" ? bundle.content.payloadType : STATEMENT_PAYLOAD_TYPE;
  if (payloadType !== STATEMENT_PAYLOAD_TYPE)
    throw unsupported(`the payload's type ${quote(payloadType)} is not ${STATEMENT_PAYLOAD_TYPE}`);
  const content = signedContent(bundle.content, artifact.digests);
  const [first, ...others] = bundle.entries;
  const bind = (entry: LogEntry): BoundEntry => bindEntry(entry, content, root.material);
  const entries = [bind(first), ...others.map(bind)] as const;
  const evidence = { bundle, root, content, entries };
  const { signer, signedAt } =
    bundle.key.kind === "certificate" ? byCertificate(evidence, bundle.key) : byKey(evidence, bundle.key.hint, keys);
  return {
    signer,
    content: bundle.content.kind === "dsse" ? statementAbout(bundle.content, artifact.digests) : { kind: "message" },
    signedAt,
    log: { kind: entries[0].kind, logIndex: provenIndex(first), logId: first.logId.toString("hex") },
    trustRootSha256: root.sha256,
  };
}

/** What is at hand when the signer is looked at. */
interface BundleEvidence {
  readonly bundle: Bundle;
  readonly root: TrustRoot;
  readonly content: SignedContent;
  readonly entries: readonly [BoundEntry, ...BoundEntry[]];
}

interface Signed {
  readonly signer: Signer;
  readonly signedAt: number;
}

function byCertificate(evidence: BundleEvidence, { leaf, chain }: Extract<Bundle["key"], { kind: "certificate" }>): Signed {
  const { issuer, identity, source } = readSigningCertificate(leaf);
  refuseRoots(chain);
  for (const entry of evidence.entries) requireRecordedCertificate(entry, leaf);
  const certificate = rememberEncoding(X509Certificate.parse(Buffer.from(leaf)));
  for (const entry of evidence.entries) requireTimeWithin(entry, certificate);
  requireKnownIssuer(certificate, evidence.root.material);
  const times = verifyEntity(evidence, { $case: "certificate", certificate }, refuseKey);
  return { signer: { kind: "sigstore", trust: evidence.root.name, issuer, identity, source }, signedAt: Math.min(...times) };
}

function byKey(evidence: BundleEvidence, hint: string, keys: readonly ManagedKey[]): Signed {
  const key = selectKey(keys, hint, evidence.entries[0].record.verifier.der);
  for (const entry of evidence.entries) requireRecordedKey(entry, key.der);
  // The library has one error for a key that it does not know and for one that is past its time: the times are looked at below.
  const times = verifyEntity(evidence, { $case: "public-key", hint }, () => ({ publicKey: key.key, validFor: () => true }));
  requireValid(key, times);
  return { signer: { kind: "key", keyId: key.name }, signedAt: Math.min(...times) };
}

function refuseKey(): never {
  throw new Error("a bundle with a certificate asked for a key");
}

/** Hands everything to the library. Answers the times that it verified, in milliseconds since the epoch; at least one. */
function verifyEntity(
  { bundle, root, content, entries }: BundleEvidence,
  key: SignedEntity["key"],
  publicKey: TrustRoot["material"]["publicKey"],
): readonly number[] {
  const stamps = bundle.timestamps.map((der) => readTimestamp(der, root.material));
  const promised = bundle.entries.filter(({ promise, integratedTime }) => promise !== undefined && integratedTime !== undefined);
  const times = [
    ...stamps.map(({ signingTime }) => signingTime.getTime()),
    ...promised.map(({ integratedTime = 0 }) => integratedTime * 1000),
  ];
  if (times.length === 0)
    throw new BundleFinding("TIMESTAMP_MISSING", "neither a log nor a time-stamping authority vouches for when the bundle was signed");
  try {
    for (const entry of entries) requireLogInUse(entry, times);
    verifyByLibrary({ bundle, root, content, entries }, { key, publicKey, stamps, promised });
  } catch (error) {
    const certificate = key.$case === "certificate" ? key.certificate : undefined;
    const detail = outOfForce({ root, certificate, entries, times });
    if (detail === undefined) throw error;
    throw new BundleFinding((error instanceof BundleFinding ? error.finding : libraryFinding(error)).code, detail);
  }
  return times;
}

interface LibraryEvidence {
  readonly key: SignedEntity["key"];
  readonly publicKey: TrustRoot["material"]["publicKey"];
  readonly stamps: readonly ReturnType<typeof readTimestamp>[];
  readonly promised: readonly LogEntry[];
}

function verifyByLibrary({ bundle, root, content }: BundleEvidence, { key, publicKey, stamps, promised }: LibraryEvidence): void {
  const verifier = new Verifier(
    { ...root.material, publicKey },
    // A root without certificate transparency logs is of an instance that runs none; the public one has them.
    { ctlogThreshold: root.material.ctlogs.length > 0 ? 1 : 0, tlogThreshold: 1, timestampThreshold: 1 },
  );
  verifier.verify({
    signature: {
      signature: content.signature,
      compareSignature: (signature) => signature.equals(content.signature),
      compareDigest: (value) => matchesBytes(content, "payload", value),
      compareSignedDigest: (value) => matchesBytes(content, "signed", value),
      verifySignature: (signingKey) => content.verifySignature(signingKey),
    },
    key,
    tlogEntries: bundle.entries.map(toLibraryEntry),
    timestamps: [
      ...stamps.map((timestamp) => ({ $case: "timestamp-authority" as const, timestamp })),
      ...promised.map((entry) => ({ $case: "transparency-log" as const, tlogEntry: toLibraryEntry(entry) })),
    ],
  });
}

const ALGORITHM_BY_BYTES: ReadonlyMap<number, "sha256" | "sha384" | "sha512"> = new Map([
  [32, "sha256"],
  [48, "sha384"],
  [64, "sha512"],
]);

/** The library compares digests without their algorithm, which their length tells. */
function matchesBytes(content: SignedContent, of: "signed" | "payload", value: Buffer): boolean {
  const algorithm = ALGORITHM_BY_BYTES.get(value.length);
  return algorithm !== undefined && content.matches({ of, algorithm, value });
}

function toLibraryEntry({ logIndex, logId, kind, version, integratedTime, promise, proof, body }: LogEntry): TransparencyLogEntry & {
  logId: { keyId: Buffer };
  kindVersion: { kind: string; version: string };
} {
  return {
    logIndex: String(logIndex),
    logId: { keyId: logId },
    kindVersion: { kind, version },
    integratedTime: String(integratedTime ?? 0),
    inclusionPromise: promise && { signedEntryTimestamp: promise },
    inclusionProof: proof && {
      logIndex: String(proof.logIndex),
      treeSize: String(proof.treeSize),
      rootHash: proof.rootHash,
      hashes: [...proof.hashes],
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: body,
  };
}

function statementAbout(envelope: Extract<Bundle["content"], { kind: "dsse" }>, digests: Digests): VerifiedBundle["content"] {
  const statement = readStatement(envelope.payload);
  requireSubject(statement, digests);
  return { kind: "statement", statement, payloadType: envelope.payloadType };
}

function parse(bytes: Buffer, maxBytes: number): JsonObject {
  if (bytes.length > maxBytes) throw new BundleFinding("BUNDLE_LIMIT", `the bundle is larger than ${maxBytes} bytes`);
  try {
    return parseStrictJsonObject(bytes, MAX_DEPTH);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    if (error.kind === "limit") throw new BundleFinding("BUNDLE_LIMIT", `the bundle cannot be read: ${error.message}`);
    throw malformed(`the bundle cannot be read: ${error.message}`);
  }
}
