export const ECOSYSTEM_IDS = ["pypi", "npm", "aam"] as const;
export type EcosystemId = (typeof ECOSYSTEM_IDS)[number];

/**
 * One archive: never a range, never a tag.
 * `name` is in the ecosystem's canonical form, `version` as upstream writes it, `file` the archive's own file name.
 * Every part has passed the ecosystem's grammar, so it holds no slash but the one of a scope, no control character and no dot segment.
 */
export interface ArtifactRef {
  /** The repository (mount) it was asked of. The same name in two repositories is two artifacts. */
  readonly repository: string;
  readonly ecosystem: EcosystemId;
  readonly name: string;
  readonly version: string;
  readonly file: string;
}

/** A stable key for maps and leases. NUL cannot occur in any part. */
export function artifactKey(ref: ArtifactRef): string {
  return `${ref.repository}\0${ref.name}\0${ref.version}\0${ref.file}`;
}
