import { EMPTY_ROOT, nodeHash } from "./hashes.ts";

/** Hash number `number`, from 0, of those at `level`: over the leaves from `number * 2^level` on, of which there are `2^level`. Level 0 are the leaves. */
export interface TreeNode {
  readonly level: number;
  readonly number: number;
  readonly hash: Buffer;
}

/** A hash that was made before: it never changes, since all leaves below it are there. Throws where it is missing. */
export type FindNode = (level: number, number: number) => Buffer;

/** What the leaf at `position` completes, itself first: of a tree of RFC 6962, everything that never changes again. `find` is asked for what is to the left. */
export function nodesOfLeaf(position: number, leaf: Buffer, find: FindNode): readonly TreeNode[] {
  const nodes: TreeNode[] = [{ level: 0, number: position, hash: leaf }];
  let hash = leaf;
  for (let level = 0, number = position; number % 2 === 1; level++) {
    hash = nodeHash(find(level, number - 1), hash);
    number = (number - 1) / 2;
    nodes.push({ level: level + 1, number, hash });
  }
  return nodes;
}

/** The root over the first `size` leaves. */
export function rootOf(size: number, find: FindNode): Buffer {
  return size === 0 ? EMPTY_ROOT : hashOfRange(0, size, find);
}

/**
 * The hashes that lead from the leaf at `position` to the root over the first `size` leaves, lowest first.
 * https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1
 */
export function inclusionPath(position: number, size: number, find: FindNode): readonly Buffer[] {
  const path = (from: number, to: number): Buffer[] => {
    if (to - from === 1) return [];
    const middle = from + largestPowerBelow(to - from);
    return position < middle
      ? [...path(from, middle), hashOfRange(middle, to, find)]
      : [...path(middle, to), hashOfRange(from, middle, find)];
  };
  return path(0, size);
}

/** The root that a path leads to; undefined where it has not the length that such a path has. */
export function rootFromPath(position: number, size: number, leaf: Buffer, path: readonly Buffer[]): Buffer | undefined {
  if (position >= size) return undefined;
  const turns: ("left" | "right")[] = [];
  for (let [at, width] = [position, size]; width > 1; ) {
    const middle = largestPowerBelow(width);
    turns.push(at < middle ? "left" : "right");
    [at, width] = at < middle ? [at, middle] : [at - middle, width - middle];
  }
  if (turns.length !== path.length) return undefined;
  return path.reduce((hash, sibling, step) => (turns.at(-1 - step) === "left" ? nodeHash(hash, sibling) : nodeHash(sibling, hash)), leaf);
}

/** `from` is a multiple of the largest power of two that is not above `to - from`: so are all ranges of a path. */
function hashOfRange(from: number, to: number, find: FindNode): Buffer {
  const width = to - from;
  const power = largestPowerBelow(width);
  if (power * 2 === width || width === 1) return find(Math.log2(width), from / width);
  return nodeHash(hashOfRange(from, from + power, find), hashOfRange(from + power, to, find));
}

/** The largest power of two below `width`, and 1 for 1. */
function largestPowerBelow(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}
