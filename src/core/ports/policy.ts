import type { ArtifactRef } from "../artifact.ts";
import type { Digest } from "../digest.ts";
import type { Evidence } from "../evidence.ts";
import type { Level } from "../statement.ts";
import type { PolicyInForce, Undecided, Verdict } from "../verdict.ts";

/** An archive of the same package that was admitted before: what continuity is measured against. */
export interface Precedent {
  readonly version: string;
  readonly file: string;
  readonly digest: Digest;
  /** As the index said, when we saw it listed first, and when we admitted these bytes first. Milliseconds since the epoch. */
  readonly publishedAt: number | undefined;
  readonly firstSeenAt: number | undefined;
  readonly admittedAt: number;
  readonly evidence: readonly Evidence[];
}

/** A package as one repository has it. */
export type PackageCoordinates = Pick<ArtifactRef, "repository" | "ecosystem" | "name">;

/** Everything that a verdict rests on. The same question under the same policy has the same answer. */
export interface PolicyQuestion {
  readonly ref: ArtifactRef;
  readonly digest: Digest;
  readonly evidence: readonly Evidence[];
  /** Names of the upstream that the archive came from: its id, its own name, and the name of its trust material. */
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

/** What is known of an archive that an index lists, before anybody has its bytes or its evidence. */
export interface Prospect
  extends Pick<PolicyQuestion, "ref" | "upstreams" | "publishedAt" | "firstSeenAt" | "packageFirstSeenAt" | "tags" | "now"> {
  /** Of its bytes where they are held, else the one that is claimed for it; undefined where none is, or where claims differ. */
  readonly digest: Digest | undefined;
}

export interface Forecast {
  /** An admit means that nothing is known against it by now; its bytes and its evidence may still be refused. */
  readonly verdict: Verdict;
  /** Before this moment, time alone changes nothing. Milliseconds since the epoch; Infinity where it never does. */
  readonly until: number;
}

/** What the operator allows, at this moment. */
export interface Policy {
  decide(question: PolicyQuestion): Verdict | Undecided;
  /** The part of the verdict that metadata alone can give. What it refuses, `decide` refuses as well. */
  foresee(prospect: Prospect): Forecast;
  /** What `decide` goes by. Both answer from one policy where nothing is awaited between them. */
  inForce(ref: ArtifactRef): PolicyInForce;
  /** Whether the verdict over a package's versions depends on their dist-tags, so that the question must have them. */
  needsTags(packaged: PackageCoordinates): boolean;
  /** What the policy calls the upstream that a package is bound to; undefined where it is bound to none. `name` in canonical form. */
  boundTo(packaged: PackageCoordinates): string | undefined;
}

/** A verdict with what others need to know before they rely on it. */
export interface Assessment {
  readonly verdict: Verdict | Undecided;
  /** The level that the archive's evidence makes. */
  readonly level: Level;
  /** False in audit mode, where an admit may be of what would have been refused. */
  readonly enforced: boolean;
  /** SHA-256 of the policy's text. */
  readonly policySha256: string;
}

export interface AssessingPolicy extends Policy {
  /** The same verdict as `decide`, by one policy throughout. */
  assess(question: PolicyQuestion): Assessment;
}
