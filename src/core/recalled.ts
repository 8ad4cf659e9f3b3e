import type { ArtifactRef } from "./artifact.ts";
import type { EcosystemServices, Repository, Resolution } from "./ports/ecosystem.ts";
import type { RecalledFile } from "./ports/index-store.ts";

/** Where an archive was by what was said of it last. Undefined where that upstream may not speak for the name now. The ref has passed the ecosystem's grammar. */
export function recalled(
  { upstreamsFor }: Pick<EcosystemServices, "upstreamsFor">,
  repository: Repository,
  ref: ArtifactRef,
  { upstream: address, url, claims, sizeBytes, publishedAt, firstSeenAt }: RecalledFile,
): Resolution | undefined {
  const upstream = upstreamsFor(repository, ref.name).find((each) => each.url.href === address);
  return (
    upstream && {
      ref,
      upstream,
      url: new URL(url),
      claims,
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(publishedAt === undefined ? {} : { publishedAt }),
      ...(firstSeenAt === undefined ? {} : { firstSeenAt }),
    }
  );
}
