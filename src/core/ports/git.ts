import type { Readable } from "node:stream";
import type { GitRepository, ObjectId, RefName } from "../git.ts";

/** What upstream says that it has: branches and tags, and the branch that a clone checks out. */
export interface GitRefs {
  readonly head: RefName | undefined;
  readonly refs: ReadonlyMap<RefName, ObjectId>;
}

/** What is known of one ref. */
export interface GitRefRecord {
  readonly ref: RefName;
  /** What is served; null where nothing is, as for a name that stands in the way of one that is kept. */
  readonly object: ObjectId | null;
  /** What upstream had when it was last asked; null where it has the ref no more. */
  readonly upstream: ObjectId | null;
}

export interface GitRepositoryRecord {
  readonly head: RefName | undefined;
  /** When upstream last said that this is what it has, milliseconds since the epoch. */
  readonly checkedAt: number;
  readonly refs: readonly GitRefRecord[];
}

/**
 * What became of a ref upstream. `created`, `forwarded` (the new commit has the old one among its ancestors): taken. `deleted`: served on. `rewritten`: history was replaced, or a tag
 * moved, and the policy takes that. `refused`: it does not, so the old object is served on. `displaced`: no longer served, since `a` gave way to `a/b`.
 */
export const GIT_CHANGES = ["created", "forwarded", "deleted", "rewritten", "refused", "displaced"] as const;
export type GitChangeKind = (typeof GIT_CHANGES)[number];

export interface GitRefChange {
  readonly ref: RefName;
  readonly kind: GitChangeKind;
  /** What was served before, and what upstream has now. */
  readonly before: ObjectId | null;
  readonly after: ObjectId | null;
  /** When we saw it, milliseconds since the epoch. */
  readonly at: number;
}

/** The record of ref → object. Repositories are named by `formatGitRepository`. Throws as `Index` does. */
export interface GitRecords {
  find(repository: string): Promise<GitRepositoryRecord | undefined>;
  /** Replaces what is known of a repository and adds `changes` to its history, in one transaction. */
  put(repository: string, record: GitRepositoryRecord, changes: readonly GitRefChange[]): Promise<void>;
  /** Upstream has what it had. */
  touch(repository: string, checkedAt: number): Promise<void>;
  /** The newest changes first, at most `limit`. */
  changes(repository: string, limit: number): Promise<readonly GitRefChange[]>;
  close(): Promise<void>;
}

/** Objects that were fetched and whose refs are still to be judged. Nobody is served from here. */
export interface GitQuarantine {
  /** The refs that came with them. */
  readonly refs: ReadonlyMap<RefName, ObjectId>;
  /** Whether `ancestor` is `commit` or one of its ancestors. */
  descends(commit: ObjectId, ancestor: ObjectId): Promise<boolean>;
  /** Copies what these refs and commits reach, and nothing else, to where it is served from. Commits that did not come are left out. */
  promote(refs: readonly RefName[], commits: readonly ObjectId[]): Promise<void>;
  discard(): Promise<void>;
}

/** How a client speaks: the version in its `Git-Protocol` header. */
export type GitProtocol = 0 | 1 | 2;

/**
 * Repositories on disk, and the way to those upstream. Every method may throw CONFIG_INVALID where git cannot be run, STORE_IO, and INTERNAL for a repository of no configured host. Safe to
 * call concurrently, but for one repository only one caller at a time may `fetch`, `promote` or `publish`.
 */
export interface GitRepositories {
  /** Asks upstream what it has; undefined where it has no such repository. Throws what `UpstreamClient.fetch` throws, UPSTREAM_MALFORMED and UPSTREAM_LIMIT. */
  ask(repository: GitRepository): Promise<GitRefs | undefined>;
  /**
   * Fetches all branches and tags, and `commits` where upstream gives them out, into quarantine. Every object is checked. Throws UPSTREAM_TIMEOUT, UPSTREAM_LIMIT past
   * `limits.gitRepositoryBytes`, UPSTREAM_MALFORMED where git does not take it.
   */
  fetch(repository: GitRepository, commits: readonly ObjectId[]): Promise<GitQuarantine>;
  /** Whether this commit is held. */
  holds(repository: GitRepository, commit: ObjectId): Promise<boolean>;
  /** Makes exactly these refs the ones that are served. */
  publish(repository: GitRepository, refs: GitRefs): Promise<void>;
  /** What is served, as a client that fetches is told of it. Throws BUSY. */
  advertise(repository: GitRepository, protocol: GitProtocol): Promise<Buffer>;
  /** Answers one request of a client that fetches. The stream must be read or destroyed: it holds a process. Throws BUSY, and BAD_REQUEST for a request that git does not take. */
  uploadPack(repository: GitRepository, protocol: GitProtocol, request: Buffer): Promise<Readable>;
  /** Ends what is under way. */
  close(): Promise<void>;
}
