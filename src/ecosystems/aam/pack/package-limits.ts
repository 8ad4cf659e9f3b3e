import { DEFAULT_LIMITS, type Limits } from "../../../core/limits.ts";

const MIB = 1024 * 1024;

/** Bounds on a package that is to be packed. */
export type PackageLimits = Pick<
  Limits,
  "archiveBytes" | "archiveEntries" | "unpackedBytes" | "unpackRatio" | "pathBytes" | "manifestBytes" | "jsonDepth"
>;

/**
 * What a package may be, tighter than what a mirror takes, so that every mirror takes it. Section 12.1 says 50 MB; the `aam` client means 50 MiB by it. The others are
 * not in the specification.
 */
export const PACKAGE_LIMITS: PackageLimits = {
  archiveBytes: 50 * MIB,
  archiveEntries: 20_000,
  unpackedBytes: 512 * MIB,
  unpackRatio: DEFAULT_LIMITS.unpackRatio,
  pathBytes: 1024,
  manifestBytes: DEFAULT_LIMITS.manifestBytes,
  jsonDepth: DEFAULT_LIMITS.jsonDepth,
};

/** Below this, a high ratio is harmless, and no mirror minds it. */
export const RATIO_MATTERS_BYTES = 16 * MIB;
