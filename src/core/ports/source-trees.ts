import type { GitRepository, ObjectId, RefName } from "../git.ts";

/** One commit of a repository, by what verified provenance says of it. */
export interface SourceCommit {
  readonly repository: GitRepository;
  readonly commit: ObjectId;
  /** The branch or tag that led to it; asked for where the host gives no commit out by its id. */
  readonly ref: RefName | undefined;
}

/** The files of one commit, checked out. */
export interface SourceTree {
  /** Absolute. Holds what the commit has and nothing else: no `.git`. */
  readonly folder: string;
  /** Every file and link of the commit, by path. */
  readonly files: ReadonlySet<string>;
  /** Repositories that the commit only refers to. They are not fetched, and their folders are empty. */
  readonly submodules: readonly string[];
  /** When it was committed, in seconds since the epoch, as the commit says. */
  readonly epochSeconds: number;
}

export interface SourceTrees {
  /**
   * Fetches one commit, without its history, and checks it out below `scratch`, an absolute folder that exists. Every object is checked; no hook, filter, submodule or credential helper has a part
   * in it. Throws UPSTREAM_MALFORMED where git does not take it or the host does not give the commit out, UPSTREAM_LIMIT past `limits.git_repository` or `limits.archive_entries`, UPSTREAM_TIMEOUT,
   * and CONFIG_INVALID where there is no git. Safe to call concurrently with folders of their own.
   */
  checkOut(source: SourceCommit, scratch: string): Promise<SourceTree>;
}
