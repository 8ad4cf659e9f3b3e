import type { Checkpoint } from "../tlog/checkpoint.ts";

/** An entry of the decision log as it is kept, with what its row says that it is looked for by. Nothing is checked. */
export interface KeptDecision {
  readonly position: number;
  readonly text: string;
  readonly repository: string;
  readonly ecosystem: string;
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly outcome: string;
  /** Milliseconds since the epoch. */
  readonly decidedAt: number;
}

/**
 * The hash tree over the decision log, and the checkpoints that were signed of it. What is given out comes from what was committed.
 * Throws STORE_IO, STORE_CORRUPT where a hash is missing, and `keep` STORE_FULL and BUSY. Safe to call concurrently, from several processes.
 */
export interface DecisionTree {
  /** Entries that are in the tree now. It only grows. */
  size(): Promise<number>;
  /** The root over the first `size` entries, which must be there. */
  root(size: number): Promise<Buffer>;
  /** The hashes from the entry at `position` to that root, lowest first. */
  path(position: number, size: number): Promise<readonly Buffer[]>;
  /** Complete hashes of one level from number `from` on, at most `count`. */
  hashes(level: number, from: number, count: number): Promise<readonly Buffer[]>;
  /** Entries from a position on, at most `count`, in their order. */
  entries(from: number, count: number): Promise<readonly KeptDecision[]>;
  /** The checkpoint of the largest tree that was signed here: kept in the index and, so that an older copy of the index is found out, beside it. */
  newestCheckpoint(): Promise<Checkpoint | undefined>;
  /** The signed notes in the index of trees with `from` entries or more, and fewer than `to`. */
  checkpoints(from: number, to: number): Promise<readonly string[]>;
  /** Keeps what was signed, before anybody is given it, unless it is there or one of a larger tree is. Answers the newest. */
  keep(checkpoint: Checkpoint): Promise<Checkpoint>;
  close(): Promise<void>;
}
