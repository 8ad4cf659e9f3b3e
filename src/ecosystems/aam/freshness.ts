import type { HeldDocument } from "../../core/ports/documents.ts";
import type { Freshness } from "../../core/ports/ecosystem.ts";

/** An answer made of several documents is as fresh as the one that was confirmed longest ago, and stale where any of them is. */
export function oldest(all: readonly [Freshness, ...Freshness[]]): Freshness {
  const stale = all.find((one) => one.stale !== undefined)?.stale;
  return {
    validatedAt: Math.min(...all.map((one) => one.validatedAt)),
    freshUntil: Math.min(...all.map((one) => one.freshUntil)),
    ...(stale === undefined ? {} : { stale }),
  };
}

export function freshnessOf(held: HeldDocument): Freshness {
  return oldest([held]);
}
