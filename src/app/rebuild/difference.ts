import type { ListingEntry } from "../../core/listing-digest.ts";
import { sortedByPath } from "../../core/listing-digest.ts";
import { quote } from "../../core/quote.ts";

/** One way in which two archives differ. `form`: not in what they hold, but in how it is written: times, owners, order, compression. */
export interface Difference {
  readonly kind: "changed" | "only-published" | "only-rebuilt" | "form";
  /** Null for the archive as a whole. */
  readonly path: string | null;
  /** What stands there on each side; null where nothing does. */
  readonly published: string | null;
  readonly rebuilt: string | null;
}

/** The files and links that are not the same in both, by path. */
export function compareListings(published: readonly ListingEntry[], rebuilt: readonly ListingEntry[]): readonly Difference[] {
  const others = new Map(rebuilt.map((entry) => [entry.path, entry]));
  const paths = new Set(published.map(({ path }) => path));
  const differences: Difference[] = [];
  for (const entry of published) {
    const [ours, other] = [entryText(entry), others.get(entry.path)];
    if (!other) differences.push({ kind: "only-published", path: entry.path, published: ours, rebuilt: null });
    else if (entryText(other) !== ours) differences.push({ kind: "changed", path: entry.path, published: ours, rebuilt: entryText(other) });
  }
  for (const entry of rebuilt) {
    if (!paths.has(entry.path)) differences.push({ kind: "only-rebuilt", path: entry.path, published: null, rebuilt: entryText(entry) });
  }
  return sortedByPath(differences.map((difference) => ({ ...difference, path: difference.path ?? "" })));
}

/** All that a listing says of an entry but its path. */
function entryText(entry: ListingEntry): string {
  if (entry.kind === "link") return `link to ${quote(entry.target)}`;
  return `sha256:${entry.sha256} ${entry.sizeBytes} bytes mode ${entry.executable ? "0755" : "0644"}`;
}

/** For people, and for what is kept: one line of printable ASCII, digests cut to what tells them apart. */
export function differenceText({ kind, path, published, rebuilt }: Difference): string {
  const [ours, theirs] = [brief(published), brief(rebuilt)];
  switch (kind) {
    case "changed":
      return `changed ${quote(path ?? "")}: published ${ours}, rebuilt ${theirs}`;
    case "only-published":
      return `only published ${quote(path ?? "")}: ${ours}`;
    case "only-rebuilt":
      return `only rebuilt ${quote(path ?? "")}: ${theirs}`;
    case "form":
      return `form: published ${ours}, rebuilt ${theirs}`;
    default:
      return kind satisfies never;
  }
}

const SHOWN_DIGITS = 16;

function brief(text: string | null): string {
  const digest = /^sha256:[0-9a-f]{64}/.exec(text ?? "")?.[0];
  return digest === undefined
    ? (text ?? "nothing")
    : `${digest.slice(0, "sha256:".length + SHOWN_DIGITS)}${(text ?? "").slice(digest.length)}`;
}
