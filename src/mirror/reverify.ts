import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import type { TrustingVerifier } from "../core/ports/verifier.ts";
import type { Admission } from "../core/verdict.ts";
import type { Space } from "./cache/space.ts";
import type { DecisionLog } from "./decision-log.ts";
import { digestsOf } from "./digests-of.ts";
import { type JudgeDeps, judge } from "./judge.ts";
import { saysTheSame } from "./says-the-same.ts";
import { verifyAgain } from "./verify-again.ts";

export interface ReverifyDeps extends JudgeDeps {
  readonly ecosystem: Ecosystem;
  readonly blobs: Pick<BlobStore, "find" | "open">;
  readonly space: Pick<Space, "keep">;
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
 * Throws EvidenceUnavailable where what the policy needs could not be found out again, STORE_CORRUPT where the bytes are no longer what was admitted, and BUSY where they
 * were let go meanwhile.
 */
export async function reverify(
  repository: Repository,
  { held, blob, upstream, verifiers }: Reverification,
  asker: Asker,
  deps: ReverifyDeps,
): Promise<Admission> {
  const digests = await digestsOf(blob, deps.ecosystem.algorithms, deps.blobs);
  const { evidence, renewed } = await verifyAgain(repository, { held, upstream, verifiers, digests }, deps);
  const judged = await judge(repository, { ...held, evidence }, deps);
  const admission = { ...held, ...judged, evidence, decidedAt: deps.clock.now() };
  const isFoundOut = renewed.every(({ outcome }) => outcome.kind !== "unavailable");
  if (!isFoundOut || saysTheSame(evidence, held.evidence)) return { ...held, ...judged, evidence };
  await deps.space.keep(held, async () => {
    // Let go since it was read: its record would say that it is here.
    if (!(await deps.blobs.find(held.digest, held.sizeBytes))) throw letGoMeanwhile();
    await deps.index.record(admission, deps.decisions.reverified(asker, admission));
  });
  return admission;
}

function letGoMeanwhile(): AssayError {
  return new AssayError("BUSY", "the archive was let go to save space while it was verified again", {
    help: "ask again: it is fetched and checked anew",
    retryAfterSeconds: 1,
  });
}
