import type { ArtifactRef, EcosystemId } from "../artifact.ts";
import type { DecisionEntry, DecisionOutcome, LoggedDecision } from "../decision.ts";
import type { Checksum } from "../digest.ts";
import type { Admission } from "../verdict.ts";
import type { Activity, RefusedPackage, UpstreamAnswers } from "./activity.ts";

/** One file that an upstream's index lists. */
export interface ListedFile {
  readonly version: string;
  readonly file: string;
  /** Where upstream says it is; absolute. */
  readonly url: string;
  readonly sizeBytes?: number;
  readonly claims: readonly Checksum[];
  /** Milliseconds since the epoch, as upstream says. */
  readonly publishedAt?: number;
  /** What else the ecosystem wants back when it resolves this file. Plain JSON. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What one upstream document says about one package. */
export interface Listing {
  readonly name: string;
  readonly files: readonly ListedFile[];
  /** What it lists was listed once, says who made it, and is no more: it is remembered as that. */
  readonly isLost?: true;
}

/** What an upstream said of a file when it listed it last. */
export interface RecalledFile extends ListedFile {
  /** Its address. */
  readonly upstream: string;
  readonly firstSeenAt?: number;
}

/** A listed file with what we remember about it. */
export interface KnownFile extends RecalledFile {
  /** When we first saw it listed, milliseconds since the epoch. */
  readonly firstSeenAt: number;
  /** Whether the newest listing still has it. */
  readonly listed: boolean;
}

/** When an archive was first seen listed, milliseconds since the epoch. */
export interface Sighting {
  readonly version: string;
  readonly file: string;
  readonly firstSeenAt: number;
}

/** An upstream document as we hold it, with its validators. */
export interface DocumentRecord {
  readonly body: Buffer;
  readonly contentType: string;
  readonly url: string;
  readonly upstream: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** When these bytes were fetched, and when upstream last said that they are current. Milliseconds since the epoch. */
  readonly fetchedAt: number;
  readonly validatedAt: number;
  /** Changes with the bytes: their SHA-256. */
  readonly revision: string;
}

export interface DocumentKey {
  readonly repository: string;
  /** Names the document within its repository, e.g. `simple/requests`. */
  readonly key: string;
}

/** Which entries of the decision log are wanted: those that every given member allows. */
export interface DecisionFilter {
  /** Position of the first. */
  readonly from: number;
  readonly limit: number;
  /** Decided at this time or later, and before that one, milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly repository?: string;
  readonly outcome?: DecisionOutcome;
  readonly package?: { readonly ecosystem: EcosystemId; readonly name: string; readonly version?: string; readonly file?: string };
}

export interface IndexUsage {
  /** Different archives that were admitted, and their bytes. */
  readonly blobs: number;
  readonly blobBytes: number;
  /** Bytes of the index itself. */
  readonly indexBytes: number;
  /** Entries of the decision log. */
  readonly decisions: number;
}

/** What is counted, per repository. Added up in memory and written in batches: nothing durable happens on a hit. */
export const COUNTERS = [
  "hits",
  "misses",
  "refusals",
  "bytes_served",
  "bytes_fetched",
  "documents_served",
  "documents_fetched",
  "stale_served",
] as const;
export type Counter = (typeof COUNTERS)[number];

/** A sum to begin with. */
export function nothingCounted(): Record<Counter, number> {
  return {
    hits: 0,
    misses: 0,
    refusals: 0,
    bytes_served: 0,
    bytes_fetched: 0,
    documents_served: 0,
    documents_fetched: 0,
    stale_served: 0,
  };
}

export interface CounterDelta {
  readonly repository: string;
  readonly counter: Counter;
  readonly by: number;
}

/**
 * The record of everything but bytes. Asynchronous whatever the database. Every write is one transaction, durable when it resolves;
 * leases and validation times need only outlive the process, not a power cut.
 * Throws STORE_FULL, STORE_IO, STORE_CORRUPT, and BUSY where another process keeps writing. Safe to call concurrently, from several processes.
 */
export interface Index {
  /** The newest admission of an archive, admitted or refused; with `admittedOnly`, the newest whose verdict was admit. */
  admission(ref: ArtifactRef, options?: { admittedOnly?: boolean }): Promise<Admission | undefined>;
  /**
   * Every archive of a package that was admitted once, each with its newest admit and `admittedSince`: a later refusal is not shown. Without the statements in their
   * evidence.
   */
  admitted(repository: string, name: string): Promise<readonly Admission[]>;
  /** Every archive of a package whose newest line is a refusal, with that line; of some, bytes were admitted before. Without the statements in their evidence. */
  refused(repository: string, name: string): Promise<readonly Admission[]>;
  /**
   * Archives that were admitted once, in the order of repository, name, version and file: the `limit` ones after `after`, or the first. For walking through all of
   * them with no more than a page in memory.
   */
  admittedRefs(limit: number, after?: ArtifactRef): Promise<readonly ArtifactRef[]>;
  /** The same for archives that were ever decided of, admitted or refused. */
  decidedRefs(limit: number, after?: ArtifactRef): Promise<readonly ArtifactRef[]>;
  /** Adds a journal line and its entry in the decision log, both or neither. An admit is the commit point of the archive; the caller has synced its blob. */
  record(admission: Admission, decision: DecisionEntry): Promise<void>;

  /** Adds an entry about `ref` to the decision log, at the next position. Nothing is ever changed in the log, nor removed from it. */
  appendDecision(ref: ArtifactRef, decision: DecisionEntry): Promise<void>;
  /** What the log said last of an archive. */
  newestDecision(ref: ArtifactRef): Promise<DecisionEntry | undefined>;
  /** Entries in their order, at most `limit` of those that match. */
  decisions(filter: DecisionFilter): Promise<readonly LoggedDecision[]>;

  /** Undefined for one that was never stored, and for one that was let go to save space. */
  document(key: DocumentKey): Promise<DocumentRecord | undefined>;
  /** Who had the document last, as `DocumentRecord.upstream`, also where it was let go: whose a name is stays known. */
  documentOwner(key: DocumentKey): Promise<{ readonly upstream: string; readonly isLetGo: boolean } | undefined>;
  /**
   * Stores a document and, in the same transaction, what it lists. Files that the listing has no more are kept, marked unlisted:
   * `firstSeenAt` of a file never changes. Throws UPSTREAM_MALFORMED for a listed URL that is not absolute.
   */
  putDocument(key: DocumentKey, document: DocumentRecord, listing: Listing | undefined): Promise<void>;
  /** Upstream said that what we hold is current. */
  touchDocument(key: DocumentKey, validatedAt: number): Promise<void>;

  /** A file that a document listed at some time. */
  file(ref: ArtifactRef): Promise<KnownFile | undefined>;
  /** All files ever listed for a package. */
  files(repository: string, name: string): Promise<readonly KnownFile[]>;

  /** When we first saw any file of a package listed, milliseconds since the epoch; undefined for a package never seen. */
  firstSeenAt(repository: string, name: string): Promise<number | undefined>;
  /** The same for each archive of the package that was ever listed. */
  sightings(repository: string, name: string): Promise<readonly Sighting[]>;

  /** How much there is. Cheap: nothing is added up. */
  usage(): Promise<IndexUsage>;

  /** Adds up what was counted, and how upstreams answered, in the sums and for the day that it is. */
  count(deltas: readonly CounterDelta[], upstreams?: readonly UpstreamAnswers[]): Promise<void>;
  counters(): Promise<ReadonlyMap<string, Readonly<Record<Counter, number>>>>;
  /** The same of the days from that of `since` on, milliseconds since the epoch; of the last `ACTIVITY_DAYS`. */
  activity(since: number): Promise<Activity>;
  /** What was refused since then, most frequent first, at most `limit`. Reads the decision log: not for every day's request. */
  refusedPackages(wanted: {
    readonly since: number;
    readonly limit: number;
    readonly repository?: string;
  }): Promise<readonly RefusedPackage[]>;

  /**
   * Takes, or as its owner renews, the exclusive right to `key` for `ttlMs`. Answers false where another owner holds it.
   * Makes "one download" hold across processes; a crashed owner's lease runs out.
   */
  lease(key: string, owner: string, ttlMs: number): Promise<boolean>;
  release(key: string, owner: string): Promise<void>;

  close(): Promise<void>;
}
