import type { DocumentRequest } from "../../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../../core/ports/ecosystem.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import type { PackageName } from "../names.ts";
import type { PackageVersion } from "../package.ts";

interface Sidecar {
  readonly repository: Repository;
  readonly upstream: Upstream;
  readonly name: PackageName;
  readonly version: Pick<PackageVersion, "version" | "url">;
  /** What is added to the archive's file name. */
  readonly ending: string;
  /** Whether it is evidence, which stays once it was fetched. */
  readonly keepWhenAbsent: boolean;
  /** Whether an archive was admitted by it, so that what is held is asked for no more. */
  readonly settled?: boolean;
  /** Throws UPSTREAM_MALFORMED for a file that is not what its ending says. */
  readonly check: (body: Buffer, maxDepth: number) => void;
}

/** A small file beside an archive in a local registry: `versions/1.0.0.aam.sha256`. */
export function sidecarRequest({ limits }: Pick<EcosystemServices, "limits">, sidecar: Sidecar): DocumentRequest {
  const { repository, upstream, name, version, ending, keepWhenAbsent, settled = false, check } = sidecar;
  return {
    repository: repository.name,
    key: `sidecar/${name}/${version.version}${ending}`,
    package: name,
    upstream,
    url: new URL(`${version.url.href}${ending}`),
    accept: "*/*",
    maxBytes: limits.sidecarBytes,
    keepWhenAbsent,
    settled,
    read({ body }) {
      check(body, limits.jsonDepth);
      return undefined;
    },
  };
}
