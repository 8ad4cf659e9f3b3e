import type { ArtifactRef } from "../artifact.ts";
import type { Evidence, Outcome, VerifierId } from "../evidence.ts";
import type { QuarantinedBlob } from "./blob-store.ts";
import type { Ecosystem, Resolution, SignedSource } from "./ecosystem.ts";
import type { Upstream } from "./upstream-client.ts";

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

/** An archive of which only the name and the origin are looked at. */
export interface Whereabouts {
  readonly ref: ArtifactRef;
  /** Where it is from. */
  readonly upstream: Upstream;
}

/**
 * Never throws for what an archive or a signed document holds: that is an outcome. Several outcomes where it looks at several documents, at least one always.
 * Safe to call concurrently.
 */
export interface Verifier {
  readonly id: VerifierId;
  /**
   * For a verifier that looks at some archives only: whether it would look at this one now and might say something else than `seen`, its own answers of before.
   * Where it would not look at all (`seen` is empty) it is not asked, and leaves no evidence: "nobody looked" must not read as "there is nothing". Left out where it looks at all.
   */
  wouldLook?(about: Whereabouts, seen: readonly Evidence[]): boolean;
  verify(candidate: Candidate): Promise<Outcome | readonly [Outcome, ...Outcome[]]>;
  /** Checks that wait for a worker, where it has some. */
  waiting?(): number;
  close?(): Promise<void>;
}

/** An archive that is held, without its bytes: what was said about it, and the digests that are known. */
export type HeldCandidate = Omit<Candidate, "blob"> & { readonly blob: Pick<QuarantinedBlob, "digest" | "digests" | "sizeBytes"> };

/**
 * What an outcome rests on that is found under certain roots and keys, as a text that is another one where they are others; undefined for an outcome that rests on
 * none of them.
 */
export type RestsOn = (outcome: Outcome) => string | undefined;

/** A verifier whose outcomes rest on roots and keys that may change while an archive is held, and on nothing of the archive but its digests. */
export interface TrustingVerifier extends Verifier {
  verify(candidate: HeldCandidate): Promise<Outcome | readonly [Outcome, ...Outcome[]]>;
  /** The roots and keys of now, for what this upstream publishes. Ask before `verify`: they may change while it runs. */
  restsOn(upstream: Upstream): RestsOn;
}

export function isTrusting(verifier: Verifier): verifier is TrustingVerifier {
  return "restsOn" in verifier;
}
