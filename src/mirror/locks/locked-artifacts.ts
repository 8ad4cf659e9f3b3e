import type { ArtifactRef } from "../../core/artifact.ts";
import type { Checksum } from "../../core/digest.ts";
import type { AssayError } from "../../core/errors.ts";
import type { LockFile, UncoveredEntry } from "../../core/lock-file.ts";
import type { Repository } from "../../core/ports/ecosystem.ts";

/** A lock that was read, under the path that it was named by. */
export interface NamedLock {
  readonly path: string;
  readonly lock: LockFile;
}

/** Where in which lock something stands. */
interface LockPlace {
  /** The path that the lock was named by. */
  readonly lock: string;
  readonly at: string;
}

/** One archive that locks name, at the repository that is asked for it: what `Mirror.obtain` takes. */
export interface WantedArtifact extends LockPlace {
  readonly repository: Repository;
  readonly ref: ArtifactRef;
  /** Of every lock that names it. */
  readonly pins: readonly [Checksum, ...Checksum[]];
}

/** An archive that a lock names and that was not asked for. */
export interface LeftOutArtifact extends LockPlace {
  readonly repository: Repository;
  readonly ref: ArtifactRef;
  /** A clause that says why. */
  readonly reason: string;
}

/** An entry of which no archive could be told. */
export interface UnusableEntry extends LockPlace {
  /** A purl. */
  readonly name: string;
  readonly error: AssayError;
}

/** What locks come to at the repositories of this mirror. */
export interface LockedArtifacts {
  /** In the order of the locks; no archive twice. */
  readonly artifacts: readonly WantedArtifact[];
  readonly uncovered: readonly (UncoveredEntry & LockPlace)[];
  readonly leftOut: readonly LeftOutArtifact[];
  /** Where the index has no file with the digests that are pinned, two locks pin other digests of one archive, or the index could not be asked. */
  readonly unusable: readonly UnusableEntry[];
}
