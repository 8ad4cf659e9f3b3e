import type { X509Certificate } from "@sigstore/core";
import type { TrustMaterial } from "@sigstore/verify";
import type { InclusionProof, LogEntry } from "./bundle.ts";
import { BundleFinding, logEntryInvalid, STALE_ROOT_HINT } from "./bundle-finding.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { entryType, type LogRecord, readLogRecord } from "./log-body.ts";
import type { SignedContent } from "./signed-content.ts";

type Log = TrustMaterial["tlogs"][number];

/** A log entry that belongs to its bundle. The library still has to verify that the log recorded it. */
export interface BoundEntry {
  readonly entry: LogEntry;
  readonly log: Log;
  readonly record: LogRecord;
  readonly kind: "rekor1" | "rekor2";
}

/**
 * Checks what the library does not: that the log is one of the root's, that the entry records this very signature by this very key, and that its
 * proof speaks of one root and one log throughout. Throws a BundleFinding: LOG_ENTRY_UNTRUSTED, LOG_ENTRY_INVALID, BUNDLE_UNSUPPORTED.
 */
export function bindEntry(entry: LogEntry, signed: SignedContent, material: TrustMaterial): BoundEntry {
  const { log: kind } = entryType(entry);
  const log = material.tlogs.find(({ logID }) => logID.equals(entry.logId));
  if (log === undefined)
    throw new BundleFinding("LOG_ENTRY_UNTRUSTED", `the log ${entry.logId.toString("hex")} is not in the trust root: ${STALE_ROOT_HINT}`);
  const record = readLogRecord(entry);
  if (!record.signature.equals(signed.signature)) throw logEntryInvalid("the log recorded another signature than the bundle's");
  if (!signed.matches(record.digest)) throw logEntryInvalid("the log recorded a signature over something else than the bundle's content");
  if (entry.proof !== undefined) checkProof(entry, entry.proof, log, kind);
  return { entry, log, record, kind };
}

/** The signer's key as the log recorded it must be the one that the bundle brings: else the log vouches for somebody else's signature. */
export function requireRecordedCertificate({ record }: BoundEntry, certificate: Buffer): void {
  if (record.verifier.kind !== "certificate" || !record.verifier.der.equals(certificate))
    throw logEntryInvalid("the log recorded another certificate than the bundle's");
}

export function requireRecordedKey({ record }: BoundEntry, key: Buffer): void {
  if (record.verifier.kind !== "public-key" || !record.verifier.der.equals(key))
    throw logEntryInvalid("the log recorded another key than the one that signed the bundle");
}

/**
 * The log's key must have been in use when the signature was made. The library checks that where the log promised a time; for the other entries,
 * the time is a time-stamping authority's.
 */
export function requireLogInUse({ entry, log }: BoundEntry, times: readonly number[]): void {
  if (entry.promise !== undefined) return;
  const outside = times.find((time) => time < log.validFor.start.getTime() || time > log.validFor.end.getTime());
  if (outside !== undefined)
    throw logEntryInvalid(`the log's key was not in use on ${new Date(outside).toISOString()}, when the bundle was signed`);
}

/**
 * A time that an entry claims without its log's promise proves nothing and is not used. But it must not contradict the certificate either.
 */
export function requireTimeWithin({ entry }: BoundEntry, certificate: X509Certificate): void {
  const { promise, integratedTime } = entry;
  if (promise === undefined && integratedTime !== undefined && !certificate.validForDate(new Date(integratedTime * 1000)))
    throw logEntryInvalid("a log entry claims a time at which the signer's certificate was not valid");
}

/** The index that cryptography vouches for: a promise is over the one in the whole log, a proof over the one in its tree. */
export function provenIndex({ logIndex, promise, proof }: LogEntry): number {
  return promise === undefined && proof !== undefined ? proof.logIndex : logIndex;
}

function checkProof(entry: LogEntry, proof: InclusionProof, log: Log, kind: BoundEntry["kind"]): void {
  const checkpoint = readCheckpoint(proof.checkpoint);
  if (!checkpoint.rootHash.equals(proof.rootHash)) throw logEntryInvalid("the inclusion proof's root is not the one that the log signed");
  if (checkpoint.treeSize !== proof.treeSize) throw logEntryInvalid("the inclusion proof's tree size is not the one that the log signed");
  if (!isOwnCheckpoint(checkpoint, log)) throw logEntryInvalid("the checkpoint is not signed by the log that the entry names");
  // A log of the second generation is one tree, so both indexes count the same. Earlier ones are several trees end to end.
  if (kind === "rekor2" && entry.logIndex !== proof.logIndex) throw logEntryInvalid("a log entry has two indexes");
}

/**
 * Whether one signature line claims to be by the log's key, in the name of the checkpoint's origin; Rekor appends the tree's id to its name. Two lines by
 * one key are refused, for the library would be content with either. Other lines are witnesses'.
 */
function isOwnCheckpoint({ origin, signatures }: Checkpoint, log: Log): boolean {
  const [own, another] = signatures.filter(({ keyHint }) => keyHint.equals(log.logID.subarray(0, keyHint.length)));
  return own !== undefined && another === undefined && (origin === own.name || origin.startsWith(`${own.name} - `));
}
