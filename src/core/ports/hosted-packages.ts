import type { AuditEntry, LoggedAudit } from "../audit.ts";
import type { Digest } from "../digest.ts";
import type { JsonObject } from "../json.ts";

/** `pending` and `rejected` versions are on no page and cannot be downloaded. */
export type ApprovalStatus = "pending" | "approved" | "rejected";

export interface Deprecation {
  readonly message: string;
  readonly replacement?: string;
}

/** One version that was published here. Its bytes, name and version never change, and it is never removed. */
export interface HostedVersion {
  /** Names it among all versions of the repository: what its approval is asked for by. */
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Owner of the token that published it. */
  readonly publishedBy: string;
  readonly status: ApprovalStatus;
  /** What it was published with. A pending version carries it from its approval on. */
  readonly tag?: string;
  readonly yankedAt?: number;
  readonly deprecated?: Deprecation;
  /** What its manifest says about it, for pages. */
  readonly fields: JsonObject;
}

export interface HostedPackage {
  readonly name: string;
  /** Who published it first. */
  readonly owner: string;
  readonly versions: readonly HostedVersion[];
  /** Each names one of `versions`. */
  readonly tags: ReadonlyMap<string, string>;
}

/** A version on its way in. */
export interface Publication {
  readonly name: string;
  readonly version: string;
  /** The version without what does not order it (SemVer build metadata): no two versions of a package have the same. */
  readonly precedence: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly publishedAt: number;
  readonly publishedBy: string;
  /** Whether whoever publishes may do so under a name that another owner has. */
  readonly ofAnyOwner: boolean;
  readonly status: "pending" | "approved";
  readonly tag?: string;
  readonly fields: JsonObject;
  /** Everything signed that came with it, as it is served. */
  readonly signatures: JsonObject;
}

export type PublishOutcome =
  | { readonly kind: "published"; readonly version: HostedVersion }
  /** The same bytes were published as this version before: nothing changed. */
  | { readonly kind: "held"; readonly version: HostedVersion }
  /** Other bytes are there, or a version that differs in build metadata only. */
  | { readonly kind: "conflict"; readonly version: HostedVersion }
  | { readonly kind: "owned"; readonly owner: string };

export interface Approval {
  readonly approver: string;
  readonly status: "approved" | "rejected";
  readonly comment?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Which packages a list wants: those that have a version to install, by name. */
export interface PackageSearch {
  /** Found in the name, the description or the keywords, in any case. */
  readonly text?: string;
  readonly category?: string;
  readonly offset: number;
  readonly limit: number;
}

export interface AuditFilter {
  readonly package?: string;
  readonly event?: string;
  readonly actor?: string;
  /** Milliseconds since the epoch, both included. */
  readonly from?: number;
  readonly to?: number;
  readonly offset: number;
  readonly limit: number;
}

/** A version by its repository, name and version. */
export interface VersionKey {
  readonly repository: string;
  readonly name: string;
  readonly version: string;
}

/**
 * What was published to hosted repositories. Every change is one transaction with its entry in the audit log: both or neither, durable when it resolves. What changes nothing
 * logs nothing. Nothing is ever removed but tags. Throws STORE_FULL, STORE_IO, STORE_CORRUPT, and BUSY where another process keeps writing. Safe to call
 * concurrently, from several processes.
 */
export interface HostedPackages {
  /** The caller has synced the bytes. Of several at once with one version, exactly one is published. */
  publish(repository: string, publication: Publication, entry: AuditEntry): Promise<PublishOutcome>;
  /** All versions, of whatever status. Undefined for a name that nobody published. */
  package(repository: string, name: string): Promise<HostedPackage | undefined>;
  search(repository: string, search: PackageSearch): Promise<{ readonly names: readonly string[]; readonly total: number }>;
  /** What was published with a version, as it is served. */
  signatures(key: VersionKey): Promise<JsonObject | undefined>;
  /** The calls below answer whether anything changed. */
  setTag(key: VersionKey, tag: string, entry: AuditEntry): Promise<boolean>;
  removeTag(key: Omit<VersionKey, "version">, tag: string, entry: AuditEntry): Promise<boolean>;
  setYanked(key: VersionKey, yankedAt: number | undefined, entry: AuditEntry): Promise<boolean>;
  setDeprecated(key: VersionKey, deprecated: Deprecation | undefined, entry: AuditEntry): Promise<boolean>;
  /** Of a version that is pending; of any other it changes nothing. One that is approved takes the tag that it was published with. */
  decide(key: VersionKey, approval: Approval, entry: AuditEntry): Promise<boolean>;
  approvals(key: VersionKey): Promise<readonly Approval[]>;
  /** Versions that wait for approval, oldest first. */
  pending(repository: string, page: { readonly offset: number; readonly limit: number }): Promise<readonly HostedVersion[]>;
  /** A version by its id. */
  version(repository: string, id: number): Promise<HostedVersion | undefined>;
  /** Newest first. */
  audit(repository: string, filter: AuditFilter): Promise<{ readonly entries: readonly LoggedAudit[]; readonly total: number }>;
  close(): Promise<void>;
}
