import type { ArtifactRef } from "../../core/artifact.ts";
import type { PackageCoordinates } from "../../core/purl.ts";
import { compareVersions } from "../../policy/compare-versions.ts";

/** Whether an archive is one of those that a purl names. `1.0` and `1.0.0` are one version of a Python project; elsewhere versions are what they are written. */
export function matchesCoordinates(ref: ArtifactRef, { version, file }: PackageCoordinates): boolean {
  if (file !== undefined && file !== ref.file) return false;
  if (version === undefined || version === ref.version) return true;
  return ref.ecosystem === "pypi" && compareVersions("pypi", version, ref.version) === 0;
}
