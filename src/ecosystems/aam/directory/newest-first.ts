import semver from "semver";
import type { Version } from "../names.ts";

/** The order in which versions are tried: the highest release first, pre-releases after all releases. */
export function newestFirst(versions: readonly Version[]): readonly Version[] {
  const isEarly = (version: Version): number => (semver.prerelease(version) ? 1 : 0);
  return versions.toSorted((a, b) => isEarly(a) - isEarly(b) || semver.compareBuild(b, a));
}
