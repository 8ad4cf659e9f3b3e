import type { ArtifactRef } from "../artifact.ts";
import type { AuditEntry } from "../audit.ts";
import type { Asker } from "../decision.ts";
import type { Digest } from "../digest.ts";
import type { Checked } from "../finding.ts";
import type { Signer } from "../signer.ts";
import type { Level } from "../statement.ts";
import type { Reason } from "../verdict.ts";
import type { Clock } from "./clock.ts";
import type { ArchiveFormat, Manifest, Repository, SignedSource } from "./ecosystem.ts";
import type { HostedPackages, Publication, PublishOutcome } from "./hosted-packages.ts";

/** What was found out about an upload before it was let in. */
export interface Examined {
  readonly digest: Digest;
  /** Everybody who verifiably signed it. */
  readonly signers: readonly Signer[];
  readonly level: Level;
}

/** An upload as its ecosystem read it. */
export interface Submission {
  readonly ref: ArtifactRef;
  /** What was sent with it, to be verified like anything that is published. */
  readonly signed: SignedSource;
  readonly publication: Omit<Publication, "digest" | "sizeBytes" | "publishedAt">;
  /** The audit log's entry, from what was found out. */
  readonly entry: (examined: Examined) => AuditEntry;
}

export type UploadOutcome =
  /** Nothing was kept. */
  | { readonly kind: "refused"; readonly reasons: readonly [Reason, ...Reason[]] }
  | (Extract<PublishOutcome, { kind: "published" }> & { readonly examined: Examined })
  | Exclude<PublishOutcome, { kind: "published" }>;

/** An archive that somebody sent: whole, hashed, in quarantine, and believed by nobody. Must be discarded in the end. */
export interface Upload {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** What the archive says about itself, where it is sound; what is wrong with it otherwise. Throws BUSY where that could not be found out. */
  manifests(format: ArchiveFormat): Promise<Checked<readonly Manifest[]>>;
  /**
   * Verifies the upload and all that was sent with it as if it came from an upstream, decides by the policy, keeps it, and then commits it.
   * Throws UPSTREAM_EVIDENCE where that could not be found out; nothing is kept then.
   */
  publish(submission: Submission): Promise<UploadOutcome>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

/** What an ecosystem works with to have repositories of its own. */
export interface Publishing {
  readonly packages: HostedPackages;
  readonly clock: Clock;
  /** Takes an archive in. Throws PAYLOAD_TOO_LARGE past `limits.publishBytes`, BUSY where too many come at once, and what `bytes` throws. */
  receive(repository: Repository, bytes: AsyncIterable<Uint8Array>): Promise<Upload>;
  /** Sends an archive that can be asked for from now on down the road, so that its verdict is known before anybody asks. Never throws. */
  admit(repository: Repository, ref: ArtifactRef, asker: Asker): Promise<void>;
}
