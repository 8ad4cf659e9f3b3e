import type { DeniedByFeed, DeniedPackages, Policy } from "../core/policy.ts";
import { quote } from "../core/quote.ts";
import type { OsvFeed } from "./osv-feed.ts";
import { type Coordinates, matchPurl } from "./purl-pattern.ts";
import { inRange } from "./version-range.ts";

export interface Denial {
  /** The entry of the policy: `deny[0]`. */
  readonly label: string;
  readonly at: string;
  /** The operator's reason, or what the feed says. */
  readonly reason: string;
  /** Identifiers of the feed's entries, such as `MAL-2024-1234`. */
  readonly ids: readonly string[];
}

/** The first entry of `deny` that means this version. Rules cannot overrule it, only a waiver can. `feeds` by label, as `readPolicy` opened them. */
export function deniedBy(policy: Policy, coordinates: Coordinates, feeds: ReadonlyMap<string, OsvFeed>): Denial | undefined {
  for (const entry of policy.deny) {
    const denial = entry.kind === "feed" ? deniedByFeed(entry, coordinates, feeds) : deniedByName(entry, coordinates);
    if (denial) return denial;
  }
  return undefined;
}

function deniedByName({ label, at, purl, versions, reason }: DeniedPackages, coordinates: Coordinates): Denial | undefined {
  if (!matchPurl(purl, coordinates)) return undefined;
  const place = versions ? inRange(versions, coordinates.version) : "inside";
  switch (place) {
    case "inside":
      return { label, at, reason, ids: [] };
    case "outside":
      return undefined;
    case "incomparable":
      // Denied until somebody looked: a version that nobody can put in an order must not be a way around the range.
      return { label, at, reason: `${reason} (nobody can tell whether ${quote(coordinates.version)} is in ${versions?.text})`, ids: [] };
    default:
      return place satisfies never;
  }
}

function deniedByFeed({ label, at }: DeniedByFeed, coordinates: Coordinates, feeds: ReadonlyMap<string, OsvFeed>): Denial | undefined {
  const feed = feeds.get(label);
  if (!feed) throw new Error(`the feed of ${label} was not opened with the policy`);
  const [first, ...others] = feed.lookup(coordinates);
  if (!first) return undefined;
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return { label, at, reason: `${first.id}${more}: ${first.summary}`, ids: [first.id, ...others.map(({ id }) => id)] };
}
