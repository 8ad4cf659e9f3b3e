import type { VerifierId } from "../core/evidence.ts";
import type { Admission } from "../core/verdict.ts";

/**
 * Whether every verifier had its say: an older Assay had fewer of them. Evidence about other bytes is none. `verifiers` are those that look at every archive: what another
 * could say is not missed where the archive is let through without it, and where it is not, `wouldLook` tells. So a key that the policy names from now on fetches nothing
 * anew that is served anyway.
 */
export function isWhole({ evidence, digest }: Pick<Admission, "evidence" | "digest">, verifiers: readonly VerifierId[]): boolean {
  return verifiers.every((id) => evidence.some(({ verifier, subject }) => verifier === id && subject === digest));
}
