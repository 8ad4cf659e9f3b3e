import type { ArtifactRef } from "../core/artifact.ts";
import type { Digest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Policy, PolicyQuestion, Precedent } from "../core/ports/policy.ts";
import { ruleNames, upstreamById } from "../core/upstream-names.ts";
import type { Admission, PolicyInForce, Verdict } from "../core/verdict.ts";
import { admittedOf } from "./bound-upstreams.ts";

/** What is known of an archive, from the road or from its journal line. */
export interface Facts {
  readonly ref: ArtifactRef;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly evidence: readonly Evidence[];
  /** Id of the upstream that it came from. */
  readonly upstream: string;
  readonly publishedAt?: number;
  readonly firstSeenAt?: number;
}

/** What a verdict is asked of. */
export type JudgingPolicy = Pick<Policy, "decide" | "inForce" | "boundTo" | "needsTags">;

export interface JudgeDeps {
  readonly ecosystem: Pick<Ecosystem, "tags">;
  readonly index: Pick<Index, "admitted" | "firstSeenAt">;
  readonly policy: JudgingPolicy;
  readonly clock: Clock;
}

/** Seconds after which evidence that could not be had is asked for again. */
const RETRY_SECONDS = 30;

/** What an archive's package was before it. */
export interface History {
  readonly packageFirstSeenAt: number | undefined;
  readonly precedents: readonly Precedent[];
}

/** A verdict, and the policy that it is by. */
export interface Judged {
  readonly verdict: Verdict;
  readonly policy: PolicyInForce;
}

/** Evidence that there should be could not be had: nothing is decided. */
export class EvidenceUnavailable extends AssayError {
  readonly facts: Facts;
  readonly policy: PolicyInForce;
  /** What could not be had. */
  readonly detail: string;

  constructor(facts: Facts, policy: PolicyInForce, detail: string) {
    super("UPSTREAM_EVIDENCE", `the evidence for ${facts.ref.file} could not be had: ${detail}`, {
      help: "nothing is decided: try again soon",
      retryAfterSeconds: RETRY_SECONDS,
    });
    this.facts = facts;
    this.policy = policy;
    this.detail = detail;
  }
}

/**
 * The verdict of the policy of now, with the package's history before it. The same for an archive that just came in and for one that is held.
 * Throws EvidenceUnavailable where evidence that there should be could not be had: that neither admits nor refuses.
 */
export async function judge(repository: Repository, facts: Facts, deps: JudgeDeps): Promise<Judged> {
  const { policy } = deps;
  const question = await questionWithHistory(repository, facts, deps);
  // Nothing is awaited between these two: they are one policy's answers.
  const verdict = policy.decide(question);
  const inForce = policy.inForce(facts.ref);
  if (verdict.kind === "undecided") throw new EvidenceUnavailable(facts, inForce, verdict.detail);
  return { verdict, policy: inForce };
}

/** What the policy is asked about an archive, with its package's history as the index has it. Throws what `Ecosystem.tags` throws, where the policy needs them. */
export async function questionWithHistory(
  repository: Repository,
  facts: Facts,
  { ecosystem, index, policy, clock }: Omit<JudgeDeps, "policy"> & { readonly policy: Pick<Policy, "boundTo" | "needsTags"> },
): Promise<PolicyQuestion> {
  const { ref } = facts;
  const packageFirstSeenAt = await index.firstSeenAt(ref.repository, ref.name);
  const history = { packageFirstSeenAt, precedents: precedentsOf(await admittedOf(repository, ref.name, { index, policy })) };
  const tags = policy.needsTags(ref) ? await ecosystem.tags?.(repository, ref) : undefined;
  return { ...questionOf(repository, facts, history, clock.now()), ...(tags === undefined ? {} : { tags }) };
}

export function questionOf(
  repository: Repository,
  facts: Omit<Facts, "sizeBytes">,
  { packageFirstSeenAt, precedents }: History,
  now: number,
): PolicyQuestion {
  const { ref, digest } = facts;
  return {
    ref,
    digest,
    // Evidence about other bytes is none: the policy then misses it, and refuses.
    evidence: facts.evidence.filter(({ subject }) => subject === digest),
    upstreams: upstreamNames(repository, facts.upstream),
    publishedAt: facts.publishedAt,
    firstSeenAt: facts.firstSeenAt,
    packageFirstSeenAt,
    ...heldSinceOf(facts, precedents),
    precedents,
    now,
  };
}

/** What an upstream is known by: its id, and what rules may call it. */
export function upstreamNames(repository: Repository, id: string): readonly string[] {
  const upstream = upstreamById(repository, id);
  return [id, ...(upstream ? ruleNames(upstream) : [])];
}

export function precedentsOf(admissions: readonly Admission[]): readonly Precedent[] {
  return admissions.map(({ ref: { version, file }, digest, evidence, publishedAt, firstSeenAt, decidedAt, admittedSince = decidedAt }) => ({
    version,
    file,
    digest,
    publishedAt,
    firstSeenAt,
    admittedAt: admittedSince,
    evidence: evidence.filter(({ subject }) => subject === digest),
  }));
}

/** An archive that was admitted is among those of its package. */
function heldSinceOf({ ref, digest }: Pick<Facts, "ref" | "digest">, precedents: readonly Precedent[]): Pick<PolicyQuestion, "heldSince"> {
  const own = precedents.find((each) => each.version === ref.version && each.file === ref.file && each.digest === digest);
  return own ? { heldSince: own.admittedAt } : {};
}
