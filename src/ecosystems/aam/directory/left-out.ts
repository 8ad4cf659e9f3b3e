/** Why something that is known of is not in the directory, or not for the `aam` client. */
export type LeftOutCode =
  /** The policy of now refuses it. */
  | "REFUSED"
  /** Evidence that the policy needs could not be had. */
  | "UNDECIDED"
  /** Its publisher, or its registry, took it back. */
  | "YANKED"
  /** Its bytes are not in the store, or are others than were admitted. */
  | "NOT_HELD"
  /** Another repository owns the name. */
  | "NOT_OWNER"
  /** The name or version cannot be the name of a file without taking another one's place. */
  | "NAME"
  /** There is a file in its place that Assay did not write. */
  | "FOREIGN_FILE"
  /** It could not be looked at, or fetched. */
  | "FAILED"
  /** Versions that the client cannot install: see `clientVersionProblem`. */
  | "CLIENT_VERSION"
  /** Manifests that the client does not take: see `readClientManifest`. */
  | "CLIENT_MANIFEST";

/** One line of `export-report.json`. */
export interface LeftOut {
  readonly package: string;
  /** Null for all versions of the package. */
  readonly version: string | null;
  /** `directory`: it is not there at all. `aam-client`: it is there in the layout of the specification, and the `aam` client 0.1.0 is not shown it. */
  readonly from: "directory" | "aam-client";
  readonly code: LeftOutCode;
  readonly reason: string;
}
