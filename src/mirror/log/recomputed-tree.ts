import { leafHash } from "../../core/tlog/hashes.ts";
import { nodesOfLeaf, rootOf, type TreeNode } from "../../core/tlog/merkle-tree.ts";

/** A hash tree that is made from entries alone, in memory for its right edge. */
export class RecomputedTree {
  /** The newest complete hash of each level: all that the next one, or the root of now, is made of. */
  readonly #edge: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Answers every hash that the entry completes. */
  add(entry: string): readonly TreeNode[] {
    const nodes = nodesOfLeaf(this.#size, leafHash(entry), this.#find);
    for (const { level, hash } of nodes) this.#edge[level] = hash;
    this.#size++;
    return nodes;
  }

  root(): Buffer {
    return rootOf(this.#size, this.#find);
  }

  readonly #find = (level: number): Buffer => {
    const hash = this.#edge[level];
    if (!hash) throw new Error(`the edge of a tree has no hash at level ${level}`);
    return hash;
  };
}
