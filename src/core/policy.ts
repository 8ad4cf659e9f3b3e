/** What a repository's configuration leaves to the operator. Everything else about checksums and archives is fixed. */
export interface RepositoryPolicy {
  /** An archive that nobody claims a digest for. */
  readonly unclaimed: "refuse" | "allow";
  /** An archive whose only claims are SHA-1 or MD5, as with some old npm versions: served with a warning, or refused. */
  readonly weakChecksum: "warn" | "error";
}
