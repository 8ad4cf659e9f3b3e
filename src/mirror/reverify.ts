import type { Asker } from "../core/decision.ts";
import type { Evidence, VerifierId } from "../core/evidence.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import type { Ecosystem, Repository, Resolution } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import type { HeldCandidate, TrustingVerifier } from "../core/ports/verifier.ts";
import type { Admission } from "../core/verdict.ts";
import type { DecisionLog } from "./decision-log.ts";
import { digestsOf } from "./digests-of.ts";
import { evidenceOf } from "./evidence-of.ts";
import { type JudgeDeps, judge } from "./judge.ts";
import { withoutOutdated } from "./outdated.ts";
import { saysTheSame } from "./says-the-same.ts";

export interface ReverifyDeps extends JudgeDeps {
  readonly ecosystem: Ecosystem;
  readonly blobs: Pick<BlobStore, "open">;
  readonly index: JudgeDeps["index"] & Pick<Index, "record">;
  readonly decisions: DecisionLog;
}

/** What is to be verified again: the newest journal line, its bytes, and by whom. */
export interface Reverification {
  readonly held: Admission;
  readonly blob: AdmittedBlob;
  readonly upstream: Upstream;
  readonly verifiers: readonly TrustingVerifier[];
}

/**
 * Verifies what is held once more, under the roots and keys of now, from the documents that are kept about it and its bytes on disk: nobody is asked for the
 * archive. One journal line, where anything is found that the one before does not say.
 * Throws EvidenceUnavailable where what the policy needs could not be found out again, and STORE_CORRUPT where the bytes are no longer what was admitted.
 */
export async function reverify(
  repository: Repository,
  { held, blob, upstream, verifiers }: Reverification,
  asker: Asker,
  deps: ReverifyDeps,
): Promise<Admission> {
  const { ref, digest, sizeBytes } = held;
  const resolution = resolutionOf(held, upstream);
  const candidate: HeldCandidate = {
    ref,
    resolution,
    blob: { digest, sizeBytes, digests: await digestsOf(blob, deps.ecosystem.algorithms, deps.blobs) },
    ecosystem: deps.ecosystem,
    published: await deps.ecosystem.published(repository, resolution),
    admittedBefore: digest,
  };
  const renewed = new Map<VerifierId, readonly Evidence[]>();
  for (const verifier of verifiers) renewed.set(verifier.id, await judgeAgain(verifier, candidate, held, deps));
  const evidence = [...held.evidence.filter(({ verifier }) => !renewed.has(verifier)), ...[...renewed.values()].flat()];
  const judged = await judge(repository, { ...held, evidence }, deps);
  const admission = { ...held, ...judged, evidence, decidedAt: deps.clock.now() };
  const isFoundOut = [...renewed.values()].flat().every(({ outcome }) => outcome.kind !== "unavailable");
  if (!isFoundOut || saysTheSame(evidence, held.evidence)) return { ...held, ...judged, evidence };
  await deps.index.record(admission, deps.decisions.reverified(asker, admission));
  return admission;
}

/** Documents that are no longer where they were take nothing back: what they said then is not known now. */
async function judgeAgain(
  verifier: TrustingVerifier,
  candidate: HeldCandidate,
  held: Admission,
  { clock }: Pick<ReverifyDeps, "clock">,
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
