import type { Foresight } from "../../src/core/ports/foresight.ts";

/** For tests that are not about index pages. */
export const NO_MARKS: Foresight = {
  marks: async () => ({ reasons: new Map(), unobtainable: new Set(), until: Number.POSITIVE_INFINITY }),
  barred: () => new Map(),
};
