import { type Digest, parseDigest } from "./digest.ts";
import type { Claims, Evidence, Outcome } from "./evidence.ts";

/**
 * What came of making an archive anew from its source. `identical`: the same bytes, which alone shows that they follow from the source. `same-contents`: the same files
 * in an archive that is written in another way. `differs`: other files, or the files could not be compared as a whole.
 */
export const REBUILD_RESULTS = ["identical", "same-contents", "differs"] as const;
export type RebuildResult = (typeof REBUILD_RESULTS)[number];

/** The source that a signer's certificate confirms, and the package's folder in it. */
export interface RebuildSource {
  /** `https://HOST/OWNER/NAME` */
  readonly repository: string;
  /** Object id of the commit, 40 hexadecimal digits. */
  readonly commit: string;
  /** Without a slash at either end; empty for the root. */
  readonly folder: string;
}

/** One archive that was made anew and compared with the published one. Kept as evidence of the verifier `rebuild`. */
export interface Rebuild {
  readonly source: RebuildSource;
  /** What made it, with its versions: another one may write other bytes from the same files. */
  readonly builder: string;
  readonly result: RebuildResult;
  readonly published: Digest;
  /** Undefined where nothing was built: then only the files were compared with the source. */
  readonly rebuilt: Digest | undefined;
  /** Of the listings (see `listingDigest`), where both archives were read. */
  readonly publishedListing: Digest | undefined;
  readonly rebuiltListing: Digest | undefined;
  /** One line for each difference, at most `KEPT_DIFFERENCES` of them, and how many there are. */
  readonly differences: readonly string[];
  readonly differencesCount: number;
  /** How it was made, and what limits what it shows; one sentence each. */
  readonly notes: readonly string[];
}

/** What is kept for ever beside an archive stays small. The command that rebuilds prints all that it found. */
export const KEPT_DIFFERENCES = 50;

/** `pass` says that the comparison was made; the claim `result` is what it showed. */
export function rebuildOutcome(rebuild: Rebuild): Outcome {
  const { source, builder, result, published, rebuilt, publishedListing, rebuiltListing, differences, differencesCount, notes } = rebuild;
  return {
    kind: "pass",
    claims: {
      result,
      repository: source.repository,
      commit: source.commit,
      folder: source.folder,
      builder,
      published_sha256: published,
      ...(rebuilt === undefined ? {} : { rebuilt_sha256: rebuilt }),
      ...(publishedListing === undefined ? {} : { published_listing_sha256: publishedListing }),
      ...(rebuiltListing === undefined ? {} : { rebuilt_listing_sha256: rebuiltListing }),
      differences: differences.slice(0, KEPT_DIFFERENCES),
      differences_count: differencesCount,
      notes,
    },
  };
}

/** The rebuild that evidence is about; undefined for evidence of another verifier, or that is not as `rebuildOutcome` writes it. */
export function rebuildIn({ verifier, subject, outcome }: Pick<Evidence, "verifier" | "subject" | "outcome">): Rebuild | undefined {
  if (verifier !== "rebuild" || outcome.kind !== "pass") return undefined;
  const { claims } = outcome;
  const [repository, commit, builder] = [claims["repository"], claims["commit"], claims["builder"]];
  const result = REBUILD_RESULTS.find((each) => each === claims["result"]);
  const count = claims["differences_count"];
  if (typeof repository !== "string" || typeof commit !== "string" || typeof builder !== "string" || !result) return undefined;
  // Equality is what the level rests on, so it is seen from the digests and not taken from a word.
  const [published, rebuilt] = [digestIn(claims, "published_sha256"), digestIn(claims, "rebuilt_sha256")];
  if (published !== subject || (result === "identical") !== (rebuilt === published)) return undefined;
  const folder = claims["folder"];
  return {
    source: { repository, commit, folder: typeof folder === "string" ? folder : "" },
    builder,
    result,
    published,
    rebuilt,
    publishedListing: digestIn(claims, "published_listing_sha256"),
    rebuiltListing: digestIn(claims, "rebuilt_listing_sha256"),
    differences: linesIn(claims, "differences"),
    differencesCount: typeof count === "number" ? count : 0,
    notes: linesIn(claims, "notes"),
  };
}

/** All rebuilds among the evidence. */
export function rebuildsIn(evidence: readonly Evidence[]): readonly Rebuild[] {
  return evidence.flatMap((each) => rebuildIn(each) ?? []);
}

function digestIn(claims: Claims, key: string): Digest | undefined {
  const value = claims[key];
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? parseDigest(value) : undefined;
}

function linesIn(claims: Claims, key: string): readonly string[] {
  const value = claims[key];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
