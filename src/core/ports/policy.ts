import type { ArtifactRef } from "../artifact.ts";
import type { Digest } from "../digest.ts";
import type { Evidence } from "../evidence.ts";
import type { Undecided, Verdict } from "../verdict.ts";

/** An archive of the same package that was admitted before: what continuity is measured against. */
export interface Precedent {
  readonly version: string;
  readonly file: string;
  /** As the index said, when we saw it listed first, and when we admitted it. Milliseconds since the epoch. */
  readonly publishedAt: number | undefined;
  readonly firstSeenAt: number | undefined;
  readonly admittedAt: number;
  readonly evidence: readonly Evidence[];
}

/** Everything that a verdict rests on. The same question under the same policy has the same answer. */
export interface PolicyQuestion {
  readonly ref: ArtifactRef;
  readonly digest: Digest;
  readonly evidence: readonly Evidence[];
  /** Names of the upstream that the archive came from: its id, and the name of its trust material. */
  readonly upstreams: readonly string[];
  /** As the index said. Milliseconds since the epoch. */
  readonly publishedAt: number | undefined;
  /** When we saw this file first, and when we saw the first file of its package. */
  readonly firstSeenAt: number | undefined;
  readonly packageFirstSeenAt: number | undefined;
  /** Since when we hold these very bytes; left out where they just came in. */
  readonly heldSince?: number;
  readonly precedents: readonly Precedent[];
  /** The dist-tags that the version carries now; undefined where that is not known. */
  readonly tags?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What the operator allows, at this moment. */
export interface Policy {
  decide(question: PolicyQuestion): Verdict | Undecided;
}
