import type { Rebuild } from "../../core/rebuild.ts";
import type { Row } from "./describe.ts";

export interface ShownDifferences {
  /** One line each; those to be shown. */
  readonly differences: readonly string[];
  /** How many there are. */
  readonly count: number;
}

/** A rebuild in words, without its result: from what, by what, and what is other. */
export function rebuildRows({ source, builder, ...rebuild }: Rebuild, { differences, count }: ShownDifferences): readonly Row[] {
  const { published, rebuilt, publishedListing, rebuiltListing } = rebuild;
  return [
    ["source", `${source.repository}${source.folder === "" ? "" : `, folder ${source.folder}`}`],
    ["at commit", source.commit],
    ["made by", builder],
    ["published", digestText(published, publishedListing)],
    ["rebuilt", rebuilt === undefined ? "nothing" : digestText(rebuilt, rebuiltListing)],
    ...differences.map((line): Row => ["difference", line]),
    ...(count > differences.length ? [["difference", `and ${count - differences.length} more`] as const] : []),
    ...rebuild.notes.map((note): Row => ["note", note]),
  ];
}

/** What a result means, in words. */
export function resultText(result: unknown): string {
  switch (result) {
    case "identical":
      return "identical: rebuilding it from its source came to the same bytes";
    case "same-contents":
      return "same contents: rebuilding it from its source came to the same files, in an archive that is written in another way";
    case "differs":
      return "differs: it is not what its source comes to";
    default:
      return "a result that is not known";
  }
}

function digestText(digest: string, listing: string | undefined): string {
  return `sha256:${digest}${listing === undefined ? "" : ` (listing ${listing})`}`;
}
