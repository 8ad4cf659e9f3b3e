/** A bound on everything foreign. Each can be set in config under `limits`; each has a test one past it. */
export interface Limits {
  /** Bytes of one archive as it is transferred. */
  readonly archiveBytes: number;
  /** Bytes of one archive that is published here. */
  readonly publishBytes: number;
  /** Bytes of one index document, after decompression. */
  readonly documentBytes: number;
  /** Bytes of one small companion file (`.metadata`, provenance, keys), after decompression. */
  readonly sidecarBytes: number;
  /** Bytes of one request body that is passed on (npm audit). */
  readonly requestBodyBytes: number;
  /** Entries in one archive. */
  readonly archiveEntries: number;
  /** Bytes of one archive's contents, unpacked. */
  readonly unpackedBytes: number;
  /** Unpacked bytes ÷ archive bytes, for archives that unpack to more than 16 MiB. */
  readonly unpackRatio: number;
  /** Bytes of one entry's path. */
  readonly pathBytes: number;
  /** Bytes of a manifest that is read from an archive (METADATA, package.json, …). */
  readonly manifestBytes: number;
  /** Seconds that the check of one archive may take. */
  readonly verifySeconds: number;
  /** Bytes of one Sigstore bundle. */
  readonly bundleBytes: number;
  /** Seconds that the check of one Sigstore bundle may take. */
  readonly verifyBundleSeconds: number;
  /** Redirects followed for one request. */
  readonly redirects: number;
  /** Nesting of a JSON document. */
  readonly jsonDepth: number;
  /** Files listed by one index document. */
  readonly listedFiles: number;
  /** Archives being fetched at once; further ones wait. */
  readonly fetches: number;
  /** Fetches that may wait for their turn; past it the answer is 503. */
  readonly fetchQueue: number;
  /** Characters of a request path. */
  readonly pathCharacters: number;
  /** Bytes of one mirrored git repository on disk. */
  readonly gitRepositoryBytes: number;
  /** Seconds that one fetch of a git repository may take. */
  readonly gitFetchSeconds: number;
  /** Branches and tags of one git repository. */
  readonly gitRefs: number;
  /** Git processes that fetch at once, and that serve at once. */
  readonly gitProcesses: number;
  /** Packages that one export to a directory fetches: those that are named, with all that they depend on. */
  readonly directoryPackages: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const DEFAULT_LIMITS: Limits = {
  archiveBytes: 2 * GIB,
  publishBytes: 50 * MIB,
  documentBytes: 256 * MIB,
  sidecarBytes: 16 * MIB,
  requestBodyBytes: 16 * MIB,
  archiveEntries: 200_000,
  unpackedBytes: 16 * GIB,
  unpackRatio: 200,
  pathBytes: 4096,
  manifestBytes: 8 * MIB,
  verifySeconds: 300,
  bundleBytes: MIB,
  verifyBundleSeconds: 2,
  redirects: 5,
  jsonDepth: 128,
  listedFiles: 200_000,
  fetches: 64,
  fetchQueue: 4096,
  pathCharacters: 2048,
  gitRepositoryBytes: 2 * GIB,
  gitFetchSeconds: 900,
  gitRefs: 50_000,
  gitProcesses: 16,
  directoryPackages: 1000,
};
