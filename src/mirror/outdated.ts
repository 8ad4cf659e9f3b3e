import type { Evidence } from "../core/evidence.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import { isTrusting, type TrustingVerifier, type Verifier } from "../core/ports/verifier.ts";
import { upstreamById } from "../core/upstream-names.ts";
import type { Admission } from "../core/verdict.ts";

export function isOutdated(
  verifiers: readonly Verifier[],
  repository: Repository,
  admission: Pick<Admission, "upstream" | "evidence">,
): boolean {
  return outdatedVerifiers(verifiers, repository, admission).length > 0;
}

/**
 * The verifiers whose evidence was found under roots or keys that are no longer those of now: one was added, taken away, or came to its end since. They must
 * judge again before it counts. None where the upstream is configured no more: then nobody knows under which roots its evidence belongs.
 */
export function outdatedVerifiers(
  verifiers: readonly Verifier[],
  repository: Repository,
  { upstream: id, evidence }: Pick<Admission, "upstream" | "evidence">,
): readonly TrustingVerifier[] {
  const upstream = upstreamById(repository, id);
  if (!upstream) return [];
  return verifiers.filter(isTrusting).filter((verifier) => {
    const restsOn = verifier.restsOn(upstream);
    return evidence.some((found) => found.verifier === verifier.id && found.restsOn !== restsOn(found.outcome));
  });
}

/**
 * The evidence as far as it still counts: what rests on other roots or keys than those of now, by `verifiers`, says nothing about the archive until it is
 * found out again. It is neither good nor bad.
 */
export function withoutOutdated(evidence: readonly Evidence[], verifiers: readonly TrustingVerifier[]): readonly Evidence[] {
  return evidence.map((found) => {
    if (found.outcome.kind === "absent" || !verifiers.some(({ id }) => id === found.verifier)) return found;
    const { label } = found.outcome;
    const detail = "it was checked under roots or keys that have changed since, and could not be checked again";
    return { ...found, outcome: { kind: "unavailable", detail, ...(label === undefined ? {} : { label }) } };
  });
}
