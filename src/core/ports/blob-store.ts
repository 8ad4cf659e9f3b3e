import type { Algorithm, Digest, Digests } from "../digest.ts";
import type { Admit } from "../verdict.ts";

declare const quarantined: unique symbol;
declare const admitted: unique symbol;

/** Whole, hashed, not yet judged. Nothing outside verify and mirror may look at it. */
export interface QuarantinedBlob {
  readonly [quarantined]: true;
  readonly digest: Digest;
  readonly digests: Digests;
  readonly sizeBytes: number;
  /** A local file with the bytes, for verifiers. Gone after `promote` or `discard`. */
  readonly path: string;
}

/** Judged and kept. Only a store makes one: by `promote`, or by `find` for bytes promoted before. */
export interface AdmittedBlob {
  readonly [admitted]: true;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Bytes on their way in. */
export interface Reception {
  /** Bytes that `read` can give so far. */
  readonly receivedBytes: number;
  /** Resolves once all bytes are on disk and hashed; rejects with what the source threw, LIMIT errors, STORE_FULL or STORE_IO. */
  readonly whole: Promise<QuarantinedBlob>;
  /** Calls `listener` after `receivedBytes` grew and once at the end; answers how to stop that. */
  onProgress(listener: () => void): () => void;
  /** Copies received bytes from `position` into `target`; answers how many. Works until the blob is promoted or discarded, and for readers that `hold` it, after. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Keeps the bytes readable through `read` past promotion; answers how to let go. */
  hold(): () => void;
}

/** Reads one admitted blob. */
export interface BlobReader {
  readonly sizeBytes: number;
  /** Copies bytes from `position` into `target`; answers how many, 0 at the end. Safe to call concurrently. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A file, or whatever holds the bytes of one blob, as it is found: nothing says yet that anybody wants it. */
export interface StoredFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it came to be here, milliseconds since the epoch by the clock of whatever stores it. */
  readonly changedAt: number;
}

/** How much room there is where the bytes are. */
export interface FreeSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Bytes by digest. Everything is on disk, synced, before a call resolves. Safe to call concurrently, from several processes. */
export interface BlobStore {
  /**
   * Streams `bytes` into quarantine, hashing on the way: SHA-256 and SHA-512 always, `algorithms` besides. Never buffers the whole archive.
   * Starts at once and answers at once; failures come through `whole`. Throws past `maxBytes` UPSTREAM_LIMIT.
   */
  receive(bytes: AsyncIterable<Uint8Array>, options: { maxBytes: number; algorithms: readonly Algorithm[] }): Reception;
  /** Moves a blob that was admitted into the store. The caller commits the index row afterwards. Throws STORE_FULL, STORE_IO. */
  promote(blob: QuarantinedBlob, admit: Admit): Promise<AdmittedBlob>;
  /** Removes a quarantined blob. No-op once promoted. Never throws for a file that is gone. */
  discard(blob: QuarantinedBlob): Promise<void>;
  /** A blob promoted before, or undefined where its file is missing or of another size (logged as damage). */
  find(digest: Digest, sizeBytes: number): Promise<AdmittedBlob | undefined>;
  /** Opens a blob for reading. Throws STORE_CORRUPT where it is not `sizeBytes` long, STORE_IO. */
  open(blob: AdmittedBlob): Promise<BlobReader>;
  /** Removes a blob; answers whether it was there. Who has it open reads on. The caller has taken its record away before. Throws STORE_IO. */
  remove(digest: Digest): Promise<boolean>;
  /** Takes a blob that is not what it should be out of the way, where nothing reads it: `find` finds it no more, an operator may look at it. No-op where it is gone. */
  setAside(digest: Digest): Promise<void>;
  /** Everything that is stored, wanted or not, in the order of the digests. What comes or goes meanwhile may be missing. Throws STORE_IO. */
  files(): AsyncIterable<StoredFile>;
  freeSpace(): Promise<FreeSpace>;
  /** Removes what crashed processes left in quarantine. */
  sweep(): Promise<{ readonly removedFiles: number; readonly removedBytes: number }>;
  close(): Promise<void>;
}
