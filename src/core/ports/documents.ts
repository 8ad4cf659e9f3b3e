import type { DocumentKey, Listing } from "./index-store.ts";
import type { Upstream } from "./upstream-client.ts";

/** An upstream document to get: from memory, from the index while it is fresh, else from upstream. */
export interface DocumentRequest extends DocumentKey {
  readonly upstream: Upstream;
  readonly url: URL;
  readonly accept: string;
  /** The package that it is about, in its canonical form. Of a package that nothing was admitted of it may be let go; without a name it is kept for ever. */
  readonly package?: string;
  readonly maxBytes: number;
  /**
   * For evidence: what was fetched once is answered for ever, marked stale, also where upstream has it no more or has failed for long.
   * Otherwise a document that upstream took away is gone.
   */
  readonly keepWhenAbsent?: boolean;
  /**
   * For evidence that a verdict rests on, when it is handed on: what is held is answered as it is, whatever its age. What upstream says now in its place was
   * verified by nobody here.
   */
  readonly settled?: boolean;
  /**
   * Parses what upstream sent, and answers what it lists (undefined for documents that list nothing).
   * Throws UPSTREAM_MALFORMED or UPSTREAM_CONTENT_TYPE for anything that is not such a document: it is then not kept, and what we hold is served.
   */
  read(document: { readonly body: Buffer; readonly contentType: string; readonly url: URL }): Listing | undefined;
}

/** A document that may be used now. */
export interface HeldDocument {
  /** Of the request that it answers. */
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly url: URL;
  readonly upstream: Upstream;
  readonly fetchedAt: number;
  readonly validatedAt: number;
  /** Until when it counts as fresh, milliseconds since the epoch. */
  readonly freshUntil: number;
  /** SHA-256 of the body. */
  readonly revision: string;
  /** Set where upstream could not confirm it: why, in words for people. */
  readonly stale?: string;
}

export interface Documents {
  /**
   * Asks each request in turn until an upstream has the document. Only a clean "absent" moves on to the next:
   * an upstream that fails must not hand its names to another one.
   * Answers undefined where all of them are well and none has it (or had it, with `keepWhenAbsent`). Where upstream fails, what is held is answered, marked stale, up to the
   * configured age (with `keepWhenAbsent`, of any age); without it the upstream's error is thrown. One upstream request for any number of concurrent calls.
   */
  get(requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined>;
}
