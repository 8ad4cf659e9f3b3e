import type { Repository } from "../core/ports/ecosystem.ts";
import type { Verifier } from "../core/ports/verifier.ts";
import { upstreamById } from "../core/upstream-names.ts";
import type { Admission } from "../core/verdict.ts";

/** Whether a verifier that looks at some archives only would look at this one now and might say something else than it did. Evidence about other bytes is none. */
export function wouldLook(verifiers: readonly Verifier[], repository: Repository, admission: Admission): boolean {
  const { ref, digest, evidence } = admission;
  const upstream = upstreamById(repository, admission.upstream);
  if (!upstream) return false;
  return verifiers.some((verifier) => {
    const seen = evidence.filter((each) => each.verifier === verifier.id && each.subject === digest);
    return verifier.wouldLook?.({ ref, upstream }, seen) ?? false;
  });
}
