import type { Digests } from "../core/digest.ts";
import type { Evidence, VerifierId } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository, Resolution } from "../core/ports/ecosystem.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import type { HeldCandidate, TrustingVerifier } from "../core/ports/verifier.ts";
import type { Admission } from "../core/verdict.ts";
import { evidenceOf } from "./evidence-of.ts";
import { withoutOutdated } from "./outdated.ts";

/** A journal line whose evidence is to be found out again, and by whom. */
export interface Outdated {
  readonly held: Admission;
  readonly digests: Digests;
  readonly upstream: Upstream;
  readonly verifiers: readonly TrustingVerifier[];
}

export interface VerifyAgainDeps {
  readonly ecosystem: Ecosystem;
  readonly clock: Clock;
}

/**
 * What is known of an archive once `verifiers` have judged it under the roots and keys of now, from what is published about it, and what of that is new. Writes nothing down.
 * Throws what `Ecosystem.published` throws.
 */
export async function verifyAgain(
  repository: Repository,
  { held, digests, upstream, verifiers }: Outdated,
  deps: VerifyAgainDeps,
): Promise<{ readonly evidence: readonly Evidence[]; readonly renewed: readonly Evidence[] }> {
  const { ref, digest, sizeBytes } = held;
  const resolution = resolutionOf(held, upstream);
  const candidate: HeldCandidate = {
    ref,
    resolution,
    blob: { digest, sizeBytes, digests },
    ecosystem: deps.ecosystem,
    published: await deps.ecosystem.published(repository, resolution),
    admittedBefore: digest,
  };
  const renewed = new Map<VerifierId, readonly Evidence[]>();
  for (const verifier of verifiers) renewed.set(verifier.id, await judgeAgain(verifier, candidate, held, deps));
  const found = [...renewed.values()].flat();
  return { evidence: [...held.evidence.filter(({ verifier }) => !renewed.has(verifier)), ...found], renewed: found };
}

/** Documents that are no longer where they were take nothing back: what they said then is not known now. */
async function judgeAgain(
  verifier: TrustingVerifier,
  candidate: HeldCandidate,
  held: Admission,
  { clock }: VerifyAgainDeps,
): Promise<readonly Evidence[]> {
  const restsOn = verifier.restsOn(candidate.resolution.upstream);
  const outcomes = [await verifier.verify(candidate)].flat();
  const before = held.evidence.filter((found) => found.verifier === verifier.id && found.outcome.kind !== "absent");
  if (before.length > 0 && outcomes.every(({ kind }) => kind === "absent")) return withoutOutdated(before, [verifier]);
  return evidenceOf(outcomes, { verifier: verifier.id, subject: held.digest, checkedAt: clock.now() }, restsOn);
}

/** As the journal line remembers it: the index may list the archive no more. */
function resolutionOf({ ref, url, sizeBytes, claims, publishedAt, firstSeenAt }: Admission, upstream: Upstream): Resolution {
  return {
    ref,
    upstream,
    url: new URL(url),
    sizeBytes,
    claims,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(firstSeenAt === undefined ? {} : { firstSeenAt }),
  };
}
