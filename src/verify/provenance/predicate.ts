export const PREDICATE_TYPES = {
  uaaps: "https://uaaps.github.io/provenance/v1",
  slsaV02: "https://slsa.dev/provenance/v0.2",
  slsaV1: "https://slsa.dev/provenance/v1",
  pypiPublish: "https://docs.pypi.org/attestations/publish/v1",
  npmPublish: "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
} as const;

/** A statement's predicate in the parts that Assay acts on. Everything in it is what the signer says, and no more. */
export type Predicate = BuildPredicate | PypiPublishPredicate | NpmPublishPredicate;

/** How an archive was built: the same few things in three formats. */
export interface BuildPredicate {
  readonly kind: "build";
  readonly format: "uaaps" | "slsa-v0.2" | "slsa-v1";
  readonly builderId: string;
  readonly buildType: string;
  /** Where it was built from; undefined where the build type's way of saying so is not known. */
  readonly source: SourceStatement | undefined;
  /** The source repositories and dependencies that went into it. */
  readonly materials: readonly Material[];
  /** Only a claim: a rebuild shows whether it is so. */
  readonly reproducible: boolean;
  /** What GitHub's build types repeat of the run. */
  readonly run: RunStatement;
  /** For people; nothing is decided by them. */
  readonly warnings: readonly string[];
}

export interface SourceStatement {
  /** `https://github.com/acme/tool` */
  readonly repository: string;
  readonly ref: string | undefined;
  /** Digests of the commit, by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
  /** The workflow: its path in the repository, or `owner/name/path@ref`. */
  readonly entryPoint: string | undefined;
}

export interface Material {
  readonly uri: string | undefined;
  readonly digest: Readonly<Record<string, string>>;
}

export interface RunStatement {
  readonly trigger?: string;
  readonly repositoryId?: string;
  readonly ownerId?: string;
  readonly runner?: string;
  readonly invocation?: string;
}

/** PEP 740: who uploaded it. The statement has nothing but its subject. */
export interface PypiPublishPredicate {
  readonly kind: "pypi-publish";
}

/** npm's registry: that it published this. */
export interface NpmPublishPredicate {
  readonly kind: "npm-publish";
  readonly name: string;
  readonly version: string;
  /** URL of the registry. */
  readonly registry: string;
}
