import type { ArtifactRef, EcosystemId } from "./artifact.ts";
import type { Checksum } from "./digest.ts";
import type { Limits } from "./limits.ts";

/** One archive that a lock pins. Where the lock says it was fetched from is left out: it is asked of the repository that serves such names, and of nobody else. */
export interface LockedArtifact extends Omit<ArtifactRef, "repository"> {
  readonly kind: "artifact";
  /** The entry's place in the lock: `resolved.git-utils`. */
  readonly at: string;
  /** Every one of them must be met: claims like any other. */
  readonly pins: readonly [Checksum, ...Checksum[]];
  /** The machines that the package says it is for, in npm's words. For every machine where left out. */
  readonly runsOn?: RunsOn;
}

/** npm's `os`, `cpu` and `libc`: names, or names after a `!`. A member that is left out says nothing. */
export interface RunsOn {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/**
 * A version of which a lock pins bytes and names no file (`requirements.txt`): each digest is that of some file of it, and whoever installs takes any one. Which files they
 * are says the index of the repository that serves the name.
 */
export interface LockedVersion {
  readonly kind: "version";
  readonly at: string;
  readonly ecosystem: EcosystemId;
  /** Canonical. */
  readonly name: string;
  /** As the lock writes it; files may spell the same version in another way. */
  readonly version: string;
  readonly anyOf: readonly [Checksum, ...Checksum[]];
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

export type LockEntry = LockedArtifact | LockedVersion | UncoveredEntry;

/** One thing to be told of a lock. `text` is a whole sentence of printable text, with its place. */
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
  /** What the lock asks of an installer and a mirror does not follow: the addresses of other indexes. */
  readonly notes: readonly LockProblem[];
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

/** What is found beside a lock. */
export interface LockSurroundings {
  /** The lock's own file name, where a kind of lock may have several. */
  readonly name?: string;
  /** What `stale` is told by, beside the lock itself. */
  readonly manifest?: LockManifest;
  /** What `includes` named, and what that named in turn, each under its path as seen from the lock's own folder. */
  readonly included?: ReadonlyMap<string, Buffer>;
}

/** Reads one kind of lock file. Pure: a reader opens nothing, asks nobody and never throws for what a text says. */
export interface LockReader {
  /** The names that such files have, for people. */
  readonly fileNames: readonly string[];
  /** Whether a file of this name is such a lock. */
  isFor(fileName: string): boolean;
  /** The names of the manifest that such a lock is made from, in the lock's own folder: of several the first that is there. None where it is made from no file. */
  readonly manifestNames: readonly string[];
  /** The files that a lock, or a file which it includes, takes in: paths as written, relative to the file that names them. Left out where there is no such thing. */
  includes?(body: Buffer, limits: Limits): readonly string[];
  read(lock: Buffer, surroundings: LockSurroundings, limits: Limits): LockReading;
}
