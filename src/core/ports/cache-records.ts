import type { ArtifactRef } from "../artifact.ts";
import type { Digest } from "../digest.ts";
import type { DocumentKey } from "./index-store.ts";

/** Why bytes are no longer in the store: they were old, or took space that others needed; or they were found damaged or gone. */
export const REMOVAL_CAUSES = ["age", "size", "damaged", "missing"] as const;
export type RemovalCause = (typeof REMOVAL_CAUSES)[number];

/** A blob that the index counts as kept. Times are milliseconds since the epoch. */
export interface KeptBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly lastUsedAt: number;
}

/** The newest removal of a blob. */
export interface Removal {
  /** Grows with each removal, over all processes. */
  readonly id: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly removedAt: number;
  readonly why: RemovalCause;
}

/** An archive that bytes were admitted as. */
export interface Holder {
  readonly ref: ArtifactRef;
  /** Whether the newest listing of its upstream has it. */
  readonly listed: boolean;
}

export interface DocumentUse extends DocumentKey {
  /** The package that it is about; undefined for lists and keys, which are about none. */
  readonly package?: string;
  readonly usedAt: number;
}

/** A place in the order of last use, to go on from. */
export type UsePlace = Pick<KeptBlob, "digest" | "lastUsedAt">;

/** A document that may be let go. */
export interface IdleDocument extends DocumentKey {
  readonly id: number;
  readonly lastUsedAt: number;
  /** Bytes that it takes in the index. */
  readonly storedBytes: number;
}

export interface Pin {
  /** A package URL pattern, as rules of the policy have them. */
  readonly pattern: string;
  /** The lock file that it is from; undefined for one that was given by itself. */
  readonly source?: string;
  readonly pinnedAt: number;
}

export interface ReservationRequest {
  readonly sizeBytes: number;
  /** Of all that is kept; undefined for no bound. */
  readonly maxBytes: number | undefined;
  readonly ttlMs: number;
}

/** What a place in the store was asked for, and what came of it. */
export type Reservation =
  | { readonly kind: "reserved" }
  /** Somebody else is bringing in, or removing, the same bytes now. */
  | { readonly kind: "busy" }
  /** With these bytes the store would have so many more than it may have. */
  | { readonly kind: "full"; readonly excessBytes: number };

/**
 * What is known of kept bytes beside what they are: their use, their pins, and what became of them. Every write is one transaction.
 * Throws STORE_FULL, STORE_IO, STORE_CORRUPT, BUSY. Safe to call concurrently, from several processes.
 */
export interface CacheRecords {
  /** Notes when things were used; the newest time wins. Need only outlive the process. What is unknown is left out. */
  noteUses(uses: { readonly blobs: ReadonlyMap<Digest, number>; readonly documents: readonly DocumentUse[] }): Promise<void>;

  /**
   * Takes, for `ttlMs`, the exclusive right to bring in or to remove a blob. With `maxBytes`, only where the store has no more than that with it: what others reserve at the same
   * time counts, in every process. Bytes that are kept already take no space.
   */
  reserve(digest: Digest, owner: string, request: ReservationRequest): Promise<Reservation>;
  unreserve(digest: Digest, owner: string): Promise<void>;

  /** Kept blobs in the order of last use, at most `limit` of those after `after` that were not used since `unusedSince`. Never what was published here. */
  leastUsed(limit: number, options: { readonly after?: UsePlace; readonly unusedSince: number }): Promise<readonly KeptBlob[]>;
  /** Kept blobs and blobs of what was published here, in the order of their digests: at most `limit` after `after`. */
  keptBlobs(limit: number, after?: Digest): Promise<readonly KeptBlob[]>;
  kept(digest: Digest): Promise<KeptBlob | undefined>;
  /** Whether a row, of an admission or of a published version, says that these bytes are kept. */
  isWanted(digest: Digest): Promise<boolean>;
  isHosted(digest: Digest): Promise<boolean>;
  /** Every archive that these bytes were admitted as. */
  holders(digest: Digest): Promise<readonly Holder[]>;
  /**
   * Takes a blob off the record of what is kept, unless it was used after `unusedSince`; answers whether it did. Admissions and evidence stay. The caller holds the reservation and
   * removes the bytes afterwards: a crash between the two leaves a file too many, never a record too many.
   */
  remove(
    blob: Pick<KeptBlob, "digest" | "sizeBytes">,
    removal: { readonly at: number; readonly why: RemovalCause; readonly unusedSince: number },
  ): Promise<boolean>;
  /** The newest removal of a blob that is not kept now. */
  removal(digest: Digest): Promise<Removal | undefined>;
  /** Removals after `id`, in their order, at most `limit`. */
  removalsAfter(id: number, limit: number): Promise<readonly Removal[]>;
  newestRemoval(): Promise<number>;

  /** Documents not used since `unusedSince` that are about a package of which nothing was ever admitted; with `alsoRefused`, also where something of it was refused. */
  idleDocuments(
    limit: number,
    options: { readonly after?: number; readonly unusedSince: number; readonly alsoRefused: boolean },
  ): Promise<readonly IdleDocument[]>;
  /** Lets go of a document's body and of what it lists, unless it was used since; answers whether it did. When archives were first seen stays known, and who had the document. */
  letGo(document: Pick<IdleDocument, "id" | "lastUsedAt">): Promise<boolean>;

  pins(): Promise<readonly Pin[]>;
  addPins(pins: readonly Pin[]): Promise<number>;
  removePin(pattern: string): Promise<boolean>;

  /** Bytes of the index that hold nothing. */
  freeIndexBytes(): Promise<number>;
  /** Gives up to `maxBytes` of them back to the disk; answers how many. `whole` rewrites the index, which locks out other writers meanwhile. */
  shrinkIndex(options: { readonly maxBytes: number } | { readonly whole: true }): Promise<number>;
}
