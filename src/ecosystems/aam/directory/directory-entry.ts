import type { Digest } from "../../../core/digest.ts";
import type { PackageName, Version } from "../names.ts";
import type { EvidenceEnding } from "../signatures/folder-evidence.ts";
import type { ArchiveFacts } from "./archive-facts.ts";

/** A version that belongs into the directory: admitted by the policy of now, and open to new installs. */
export interface DirectoryEntry {
  readonly name: PackageName;
  readonly version: Version;
  /** Of the bytes that were admitted. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was published as far as anybody says, else admitted. Milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly facts: ArchiveFacts;
  /** Of the files with signatures beside it: what it was admitted by. */
  readonly evidence: readonly EvidenceEnding[];
}

/** Dist-tags by package, as its pages have them. */
export type DirectoryTags = ReadonlyMap<string, ReadonlyMap<string, string>>;
