import type { ArtifactRef, EcosystemId } from "../../core/artifact.ts";
import type { Algorithm, Checksum, Digests } from "../../core/digest.ts";
import { isUpstreamFailure } from "../../core/errors.ts";
import type { Evidence } from "../../core/evidence.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Policy, PolicyQuestion } from "../../core/ports/policy.ts";
import { isTrusting, type Verifier } from "../../core/ports/verifier.ts";
import { upstreamById } from "../../core/upstream-names.ts";
import type { Admission, Reason } from "../../core/verdict.ts";
import type { Proposal } from "../../policy/propose/propose.ts";
import type { Rehearsal } from "../../policy/rehearse.ts";
import { upstreamsFor } from "../bound-upstreams.ts";
import { digestsOf } from "../digests-of.ts";
import { isWhole } from "../is-whole.ts";
import { questionWithHistory } from "../judge.ts";
import { pinReason } from "../locks/pin-reason.ts";
import { mayBeMended } from "../may-be-mended.ts";
import { newestLine } from "../newest-line.ts";
import { outdatedVerifiers, withoutOutdated } from "../outdated.ts";
import { type JudgingIndex, rememberingIndex } from "../remembering-index.ts";
import { verifyAgain } from "../verify-again.ts";
import { wouldLook } from "../would-look.ts";
import { digestsKnown } from "./digests-known.ts";

/** An archive that a plan is about, and what a lock says its bytes are. */
export interface PlanSubject {
  readonly ref: ArtifactRef;
  readonly pins: readonly Checksum[];
}

/** What a policy would make of an archive, from what is known of it. Nothing is guessed: what is not known is told. */
export type Planned =
  | {
      readonly kind: "judged";
      readonly ref: ArtifactRef;
      /** What the verdict rests on, for asking another policy the same. */
      readonly question: PolicyQuestion;
      readonly rehearsal: Rehearsal;
    }
  /** The bytes that are known are not those that the lock pins, whatever a policy says. */
  | { readonly kind: "other-bytes"; readonly ref: ArtifactRef; readonly reason: Reason }
  | { readonly kind: "unknown"; readonly ref: ArtifactRef; readonly detail: string };

export interface PlannerDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<EcosystemId, Ecosystem>>;
  readonly verifiers: readonly Verifier[];
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt" | "decidedRefs">;
  readonly blobs: Pick<BlobStore, "find" | "open">;
  readonly policy: Pick<Policy, "boundTo" | "needsTags"> & {
    rehearse(question: PolicyQuestion): Rehearsal;
    propose(questions: readonly PolicyQuestion[], owner: string): Proposal;
    status(): { readonly mode: "enforce" | "audit" };
  };
  readonly clock: Clock;
}

/** Rows of the index held at once on a walk through all of it. */
const PAGE_ROWS = 500;

/**
 * Tells what the policy of this Assay would make of archives, from the evidence that is kept. The question is made by the same `questionWithHistory` and weighed by the same
 * policy as a request's, and nothing is written down. Evidence that rests on other roots or keys than this policy's is found out again from the documents
 * that are kept.
 */
export class Planner {
  readonly #deps: PlannerDeps;
  readonly #history: JudgingIndex;

  constructor(deps: PlannerDeps) {
    this.#deps = deps;
    this.#history = rememberingIndex(deps.index);
  }

  /** Of its policy. */
  get mode(): "enforce" | "audit" {
    return this.#deps.policy.status().mode;
  }

  /** Everything that was ever admitted or refused, in the order of the index: no more than a page of it is in memory. */
  async *decided(): AsyncGenerator<PlanSubject> {
    const { index, repositories } = this.#deps;
    const configured = new Set(repositories.map(({ name }) => name));
    let after: ArtifactRef | undefined;
    for (;;) {
      const refs: readonly ArtifactRef[] = await index.decidedRefs(PAGE_ROWS, after);
      // A repository that is configured no more serves nothing, whatever is held of it.
      for (const ref of refs) if (configured.has(ref.repository)) yield { ref, pins: [] };
      after = refs.at(-1);
      if (!after) return;
    }
  }

  /** Asks nobody where the upstream client is offline. Throws STORE_CORRUPT, STORE_IO. */
  async plan({ ref, pins }: PlanSubject): Promise<Planned> {
    const unknown = (detail: string): Planned => ({ kind: "unknown", ref, detail });
    const repository = this.#repositoryOf(ref);
    const line = repository && (await this.#lineOf(ref));
    if (!line) return unknown("it was never fetched");
    if (!isWhole(line, this.#verifierIds)) return unknown("an older Assay fetched it, which had fewer checks");
    try {
      const digests = await this.#digestsOf(line, [...new Set(pins.map(({ algorithm }) => algorithm))]);
      const wrong = digests && pins.find(({ algorithm, hex }) => digests[algorithm] !== hex);
      if (wrong) return { kind: "other-bytes", ref, reason: pinReason(wrong, digests[wrong.algorithm] ?? "") };
      const evidence = await this.#evidenceOfNow(repository, line);
      const question = await this.#question(repository, { ...line, evidence });
      const rehearsal = this.#deps.policy.rehearse(question);
      const { verdict } = rehearsal;
      if (verdict.kind === "undecided") return unknown(verdict.detail);
      if (verdict.kind === "admit" && !digests)
        return unknown("its bytes were not kept, so they cannot be compared with what the lock pins");
      // Without evidence: what is known of its keys is known under those of now, and what is left is whom this policy would ask as well.
      if (verdict.kind === "refuse" && mayBeMended({ evidence: [] }, verdict, wouldLook(this.#deps.verifiers, repository, line)))
        return unknown("an upstream or another Assay that this policy names was not asked about it yet");
      return { kind: "judged", ref, question, rehearsal };
    } catch (error) {
      if (isUpstreamFailure(error)) return unknown(error.message);
      throw error;
    }
  }

  /** A policy like this one that lets these in, and nothing else in their place. Throws UNPROCESSABLE where there is more than a policy can hold. */
  propose(planned: readonly Planned[], owner: string): Proposal {
    return this.#deps.policy.propose(
      planned.flatMap((each) => (each.kind === "judged" ? [each.question] : [])),
      owner,
    );
  }

  #repositoryOf({ repository }: ArtifactRef): Repository | undefined {
    return this.#deps.repositories.find(({ name }) => name === repository);
  }

  /** Of the bytes that were admitted, else of those that were refused last. */
  async #lineOf(ref: ArtifactRef): Promise<Admission | undefined> {
    const { index, verifiers } = this.#deps;
    const trusting = new Set(verifiers.filter(isTrusting).map(({ id }) => id));
    return (await newestLine(ref, index, { verifierIds: this.#verifierIds, trusting })) ?? index.admission(ref);
  }

  get #verifierIds() {
    return this.#deps.verifiers.flatMap((verifier) => (verifier.wouldLook ? [] : verifier.id));
  }

  #question(repository: Repository, line: Admission): Promise<PolicyQuestion> {
    const { ecosystems, policy, clock } = this.#deps;
    return questionWithHistory(repository, line, { ecosystem: ecosystems[repository.ecosystem], index: this.#history, policy, clock });
  }

  async #evidenceOfNow(repository: Repository, line: Admission): Promise<readonly Evidence[]> {
    const { verifiers: all, policy, ecosystems, clock } = this.#deps;
    const verifiers = outdatedVerifiers(all, repository, line);
    if (verifiers.length === 0) return line.evidence;
    const ecosystem = ecosystems[repository.ecosystem];
    const upstream = upstreamById(repository, line.upstream);
    // Another one must not hear of a name that the policy binds, not even for what is published beside the archive.
    const mayHear = upstream && upstreamsFor(policy, repository, line.ref.name).includes(upstream);
    const digests = await this.#digestsOf(line, ecosystem.algorithms);
    if (!mayHear || !digests) return withoutOutdated(line.evidence, verifiers);
    return (await verifyAgain(repository, { held: line, digests, upstream, verifiers }, { ecosystem, clock })).evidence;
  }

  /** All of `algorithms`, and more. Undefined where one is neither known nor can be computed, because the bytes were refused and are gone. */
  async #digestsOf(line: Admission, algorithms: readonly Algorithm[]): Promise<Digests | undefined> {
    const known = digestsKnown(line);
    if (algorithms.every((algorithm) => known[algorithm] !== undefined)) return known;
    const blob = await this.#deps.blobs.find(line.digest, line.sizeBytes);
    return blob && digestsOf(blob, algorithms, this.#deps.blobs);
  }
}
