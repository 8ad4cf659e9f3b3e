import semver, { type SemVer } from "semver";

/** A version that a tag may come to name. */
export interface OpenVersion {
  readonly version: string;
  /** Upstream advises against it: taken only where nothing else is left. */
  readonly deprecated: boolean;
}

interface MovedTags {
  readonly tags: ReadonlyMap<string, string>;
  /** Those that go on naming a version that would be refused, because no other would do. */
  readonly stuck: readonly string[];
}

/** Tags that are moved; packages have a few hundred at most. Further ones stay where they are, and who follows them reads why their version is refused. */
const MAX_MOVED = 1000;

interface Candidate extends OpenVersion {
  readonly parsed: SemVer;
}

/**
 * The dist-tags of a package, with those that name a version which would be refused moved to the newest of `open` that upstream's own tag could have named: never
 * newer than what it names, never a pre-release for a stable version, no other kind of pre-release (`beta` for `rc`) for one, and of the same major or minor
 * where the tag is called after it (`v1`, `next-11`, `release-4.2`).
 */
export function moveTags(
  tags: ReadonlyMap<string, string>,
  open: readonly OpenVersion[],
  isRefused: (version: string) => boolean,
): MovedTags {
  const refused = [...tags].filter(([, version]) => isRefused(version)).slice(0, MAX_MOVED);
  if (refused.length === 0) return { tags, stuck: [] };
  const newestFirst = open.flatMap(candidateOf).sort((left, right) => semver.compareBuild(right.parsed, left.parsed));
  const moved = new Map(tags);
  const stuck: string[] = [];
  for (const [tag, version] of refused) {
    const place = placeOf(tag, version, newestFirst);
    if (place) moved.set(tag, place.version);
    else stuck.push(tag);
  }
  return { tags: moved, stuck };
}

function candidateOf(open: OpenVersion): readonly Candidate[] {
  const parsed = semver.parse(open.version, { loose: true });
  return parsed ? [{ ...open, parsed }] : [];
}

function placeOf(tag: string, version: string, newestFirst: readonly Candidate[]): Candidate | undefined {
  const named = semver.parse(version, { loose: true });
  if (!named) return undefined;
  const isOfLine = lineOf(tag, named);
  const fits = ({ parsed }: Candidate): boolean => semver.compareBuild(parsed, named) < 0 && isOfKind(parsed, named) && isOfLine(parsed);
  return newestFirst.find((candidate) => !candidate.deprecated && fits(candidate)) ?? newestFirst.find(fits);
}

function isOfKind(candidate: SemVer, named: SemVer): boolean {
  if (candidate.prerelease.length === 0) return true;
  return named.prerelease.length > 0 && kindOf(candidate) === kindOf(named);
}

/** `beta` of `1.0.0-beta.3` and `1.0.0-beta3`; nothing of `1.0.0-0`. */
function kindOf({ prerelease: [first] }: SemVer): string {
  return typeof first === "string" ? (/^[A-Za-z]*/.exec(first)?.[0] ?? "") : "";
}

/** The versions that a tag could mean by its name. A number in it that is not the version's major means something else. */
function lineOf(tag: string, named: SemVer): (candidate: SemVer) => boolean {
  const [, major, minor] = /([0-9]{1,15})(?:\.([0-9]{1,15}))?/.exec(tag) ?? [];
  if (major === undefined || Number(major) !== named.major) return () => true;
  const isMinor = minor !== undefined && Number(minor) === named.minor;
  return (candidate) => candidate.major === named.major && (!isMinor || candidate.minor === named.minor);
}
