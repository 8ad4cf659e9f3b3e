import type { ArtifactRef } from "../core/artifact.ts";
import type { Digest } from "../core/digest.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Index } from "../core/ports/index-store.ts";

/**
 * What rebuilding these very bytes showed before. The road does not rebuild, so each line that is written takes over what the ones before it have: also of a refusal,
 * after which the archive may come again.
 */
export async function keptRebuilds(ref: ArtifactRef, digest: Digest, index: Pick<Index, "admission">): Promise<readonly Evidence[]> {
  for (const line of [await index.admission(ref), await index.admission(ref, { admittedOnly: true })]) {
    const kept = line?.evidence.filter(({ verifier, subject }) => verifier === "rebuild" && subject === digest) ?? [];
    if (kept.length > 0) return kept;
  }
  return [];
}
