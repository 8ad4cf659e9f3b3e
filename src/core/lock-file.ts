import type { ArtifactRef } from "./artifact.ts";
import type { Checksum } from "./digest.ts";
import type { Limits } from "./limits.ts";

/** One archive that a lock pins. Where the lock says it was fetched from is left out: it is asked of the repository that serves such names, and of nobody else. */
export interface LockedArtifact extends Omit<ArtifactRef, "repository"> {
  readonly kind: "artifact";
  /** The entry's place in the lock: `resolved.git-utils`. */
  readonly at: string;
  /** Every one of them must be met: claims like any other. */
  readonly pins: readonly [Checksum, ...Checksum[]];
}

/** An entry that no mirror can speak for. It must be told, or whoever reads that all is well takes it for checked. */
export interface UncoveredEntry {
  readonly kind: "uncovered";
  readonly at: string;
  /** As the lock writes it: foreign text. */
  readonly name: string;
  /** Where it comes from: a registry that pinned no digest, an address, a git repository, a place on disk, or an archive made for one platform. */
  readonly source: "registry" | "url" | "git" | "path" | "bundle";
  /** A clause that says why. */
  readonly reason: string;
}

export type LockEntry = LockedArtifact | UncoveredEntry;

/** One thing that is wrong. `text` is a whole sentence of printable text, with its place. */
export interface LockProblem {
  readonly at: string;
  readonly text: string;
}

export interface LockFile {
  /** `package.agent.lock, version 2`. */
  readonly format: string;
  /** In the order of the lock; no archive is in it twice. */
  readonly entries: readonly LockEntry[];
  /** Where the lock no longer says what its manifest asks for, or does not close over its own dependencies: it must be made anew. */
  readonly stale: readonly LockProblem[];
}

/** A lock that is not wholly understood is not used at all: what it pins would be anybody's guess. */
export type LockReading =
  | { readonly ok: true; readonly lock: LockFile }
  | { readonly ok: false; readonly problems: readonly [LockProblem, ...LockProblem[]] };

/** A manifest as it was found. Its name says how it is written. */
export interface LockManifest {
  readonly name: string;
  readonly body: Buffer;
}

/** Reads one kind of lock file. Pure: a reader opens nothing, asks nobody and never throws for what a text says. */
export interface LockReader {
  /** The name that such files have. */
  readonly fileName: string;
  /** The names of the manifest that such a lock is made from, in the lock's own folder: of several the first that is there. None where it is made from no file. */
  readonly manifestNames: readonly string[];
  /** `manifest` is what `stale` is told by, beside the lock itself. */
  read(lock: Buffer, manifest: LockManifest | undefined, limits: Limits): LockReading;
}
