import type { Evidence, VerifierId } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type Candidate, isTrusting, type Verifier } from "../core/ports/verifier.ts";
import type { Admission } from "../core/verdict.ts";
import { evidenceOf } from "./evidence-of.ts";

export interface ExamineDeps {
  readonly verifiers: readonly Verifier[];
  readonly clock: Clock;
  /** Hears how long each verifier took over an archive, with its wait for a worker. */
  readonly measured?: (verifier: VerifierId, seconds: number) => void;
}

/** A journal line without what is decided from it. */
export type ExaminedFacts = Omit<Admission, "verdict" | "policy" | "decidedAt">;

/** Every verifier that would look at the archive: all that can be known of it, before anything is decided. One verifier may find several things. */
export async function examine(candidate: Candidate, deps: ExamineDeps): Promise<ExaminedFacts> {
  const { ref, resolution } = candidate;
  const looking = deps.verifiers.filter((verifier) => verifier.wouldLook?.({ ref, upstream: resolution.upstream }, []) ?? true);
  const found = looking.map(async (verifier) => {
    const startedAt = performance.now();
    // Before it verifies: what changes meanwhile must not pass for what it was found under.
    const restsOn = isTrusting(verifier) ? verifier.restsOn(resolution.upstream) : undefined;
    const outcomes = [await verifier.verify(candidate)].flat();
    deps.measured?.(verifier.id, (performance.now() - startedAt) / 1000);
    return evidenceOf(outcomes, { verifier: verifier.id, subject: candidate.blob.digest, checkedAt: deps.clock.now() }, restsOn);
  });
  return factsOf(candidate, (await Promise.all(found)).flat());
}

function factsOf({ ref, resolution, blob }: Candidate, evidence: readonly Evidence[]): ExaminedFacts {
  const { url, upstream, claims, publishedAt, firstSeenAt } = resolution;
  return {
    ref,
    digest: blob.digest,
    sizeBytes: blob.sizeBytes,
    url: url.href,
    upstream: upstream.id,
    claims,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(firstSeenAt === undefined ? {} : { firstSeenAt }),
    evidence,
  };
}
