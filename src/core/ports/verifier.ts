import type { ArtifactRef } from "../artifact.ts";
import type { Outcome, VerifierId } from "../evidence.ts";
import type { QuarantinedBlob } from "./blob-store.ts";
import type { Ecosystem, Resolution } from "./ecosystem.ts";

/** What a verifier judges: the bytes as computed, and what was said about them. */
export interface Candidate {
  readonly ref: ArtifactRef;
  readonly resolution: Resolution;
  readonly blob: QuarantinedBlob;
  readonly ecosystem: Ecosystem;
  /** SHA-256 under which this very archive was admitted before, if it was. */
  readonly admittedBefore: string | undefined;
}

/** Never throws for what an archive holds: that is an outcome. Safe to call concurrently. */
export interface Verifier {
  readonly id: VerifierId;
  /** Checks what can be checked before the bytes are here, against the claimed digests. Its outcome is handed to `verify`. */
  ahead?(ref: ArtifactRef, resolution: Resolution): Promise<Outcome>;
  verify(candidate: Candidate, ahead: Outcome | undefined): Promise<Outcome>;
  close?(): Promise<void>;
}
