import semver from "semver";
import type { Version } from "./names.ts";

/** More is written by nobody, and a range is taken apart character by character. */
const RANGE_CHARACTERS = 256;

/**
 * Whether a version is in a range; undefined for text that is no range. Section 13.1 joins comparators with a space, the `aam` client with a comma, where `==` is an
 * exact version. `*` takes pre-releases too; other ranges take one only where they name one of the same release, as npm's do.
 */
export function isInRange(version: Version, range: string): boolean | undefined {
  if (range.length > RANGE_CHARACTERS) return undefined;
  const comparators = range.replaceAll(",", " ").replaceAll("==", "=").trim();
  if (comparators === "*") return true;
  return comparators === "" || semver.validRange(comparators) === null ? undefined : semver.satisfies(version, comparators);
}
