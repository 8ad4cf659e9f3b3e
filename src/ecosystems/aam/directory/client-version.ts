import semver from "semver";
import type { Version } from "../names.ts";

/** A local version label in the one spelling that PEP 440 prints it in: lowercase, dots between, no number with a leading zero. */
const LOCAL_LABEL = /^(?:0|[1-9][0-9]*|[0-9]*[a-z][a-z0-9]*)$/;

/**
 * Why the `aam` client 0.1.0 cannot install a version; undefined where it can. It reads versions as PEP 440 has them and prints them anew before it looks for the archive:
 * `3.0.0-beta.1` becomes `3.0.0b1`, which is not there, and the client ends with a traceback. Worse, it prefers such a version to every release.
 * https://peps.python.org/pep-0440/#normalization
 */
export function clientVersionProblem(version: Version): string | undefined {
  const parsed = semver.parse(version);
  if (!parsed || parsed.prerelease.length > 0) {
    return "the aam client takes a pre-release for its newest version, and then fails to find it";
  }
  const isKept = parsed.build.every((label) => LOCAL_LABEL.test(label));
  return isKept ? undefined : "the aam client spells this build label differently, and then fails to find the archive";
}
