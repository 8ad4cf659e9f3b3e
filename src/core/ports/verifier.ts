import type { ArtifactRef } from "../artifact.ts";
import type { Outcome, VerifierId } from "../evidence.ts";
import type { QuarantinedBlob } from "./blob-store.ts";
import type { Ecosystem, Resolution, SignedSource } from "./ecosystem.ts";

/** What a verifier judges: the bytes as computed, and what was said about them. */
export interface Candidate {
  readonly ref: ArtifactRef;
  readonly resolution: Resolution;
  readonly blob: QuarantinedBlob;
  readonly ecosystem: Ecosystem;
  /** Everything signed that is published for it, as fetched. Nothing in it is believed yet. */
  readonly published: readonly SignedSource[];
  /** SHA-256 under which this very archive was admitted before, if it was. */
  readonly admittedBefore: string | undefined;
}

/**
 * Never throws for what an archive or a signed document holds: that is an outcome. Several outcomes where it looks at several documents, at least one always.
 * Safe to call concurrently.
 */
export interface Verifier {
  readonly id: VerifierId;
  verify(candidate: Candidate): Promise<Outcome | readonly [Outcome, ...Outcome[]]>;
  close?(): Promise<void>;
}
