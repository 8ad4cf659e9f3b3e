import type { ArtifactRef } from "../core/artifact.ts";
import type { Digest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Policy, Precedent } from "../core/ports/policy.ts";
import type { Verdict } from "../core/verdict.ts";

/** What is known of an archive, from the road or from its journal line. */
export interface Facts {
  readonly ref: ArtifactRef;
  readonly digest: Digest;
  readonly evidence: readonly Evidence[];
  /** Id of the upstream that it came from. */
  readonly upstream: string;
  readonly publishedAt?: number;
  readonly firstSeenAt?: number;
  /** When these very bytes were admitted, where they were. */
  readonly decidedAt?: number;
}

export interface JudgeDeps {
  readonly index: Pick<Index, "admitted" | "firstSeenAt">;
  readonly policy: Pick<Policy, "decide">;
  readonly clock: Clock;
}

/** Seconds after which evidence that could not be had is asked for again. */
const RETRY_SECONDS = 30;

/**
 * The verdict of the policy of now, with the package's history before it. The same for an archive that just came in and for one that is held.
 * Throws UPSTREAM_EVIDENCE where evidence that there should be could not be had: that neither admits nor refuses.
 */
export async function judge(repository: Repository, facts: Facts, { index, policy, clock }: JudgeDeps): Promise<Verdict> {
  const { ref, digest } = facts;
  const trust = repository.upstreams.find(({ id }) => id === facts.upstream)?.trust;
  const verdict = policy.decide({
    ref,
    digest,
    // Evidence about other bytes is none: the policy then misses it, and refuses.
    evidence: facts.evidence.filter(({ subject }) => subject === digest),
    upstreams: trust === undefined ? [facts.upstream] : [facts.upstream, trust],
    publishedAt: facts.publishedAt,
    firstSeenAt: facts.firstSeenAt,
    packageFirstSeenAt: await index.firstSeenAt(ref.repository, ref.name),
    ...(facts.decidedAt === undefined ? {} : { heldSince: facts.decidedAt }),
    precedents: await precedentsOf(ref, index),
    now: clock.now(),
  });
  if (verdict.kind !== "undecided") return verdict;
  throw new AssayError("UPSTREAM_EVIDENCE", `the evidence for ${ref.file} could not be had: ${verdict.detail}`, {
    help: "nothing is decided: try again soon",
    retryAfterSeconds: RETRY_SECONDS,
  });
}

async function precedentsOf(ref: ArtifactRef, index: JudgeDeps["index"]): Promise<readonly Precedent[]> {
  const admissions = await index.admitted(ref.repository, ref.name);
  return admissions.map(({ ref: { version, file }, digest, evidence, publishedAt, firstSeenAt, decidedAt }) => ({
    version,
    file,
    publishedAt,
    firstSeenAt,
    admittedAt: decidedAt,
    evidence: evidence.filter(({ subject }) => subject === digest),
  }));
}
