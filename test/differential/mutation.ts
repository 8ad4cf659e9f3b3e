import type { Random } from "../support/random.ts";
import type { Loose } from "../support/sigstore-instance.ts";

export interface MutationContext {
  readonly random: Random;
  /** Another document of the same kind, to take parts from. */
  readonly donor: Loose;
}

/** Changes the tree in place and says what it did; undefined where the document has nothing that it could change. */
export type Mutation = (tree: Loose, context: MutationContext) => string | undefined;

/** One of several things that a mutation can do: how it is called, and what comes of it. */
export type Way<T> = readonly [how: string, result: T];

/** One of them; undefined for none. */
export function pickOf<T>(random: Random, items: readonly T[]): T | undefined {
  return items[random.below(items.length)];
}
