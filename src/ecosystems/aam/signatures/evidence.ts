import type { JsonObject } from "../../../core/json.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import type { PackageName } from "../names.ts";
import type { PackageVersion } from "../package.ts";

/** What an upstream has published to vouch for one version. Not judged here: the archive's road does that. */
export interface PublishedEvidence {
  readonly signatures: readonly JsonObject[];
  readonly attestations: readonly JsonObject[];
  /** What it was read from. */
  readonly documents: readonly HeldDocument[];
}

/** The version whose evidence is asked for, and whom to ask. */
export interface EvidenceSubject {
  readonly repository: Repository;
  readonly upstream: Upstream;
  readonly name: PackageName;
  readonly version: Pick<PackageVersion, "version" | "url">;
  /** What is held is asked for no more: the archive was admitted by it. */
  readonly settled?: boolean;
}
