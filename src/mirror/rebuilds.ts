import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type ArtifactRef, artifactKey } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import type { Evidence } from "../core/evidence.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import { formatPurl } from "../core/purl.ts";
import { type Rebuild, rebuildIn, rebuildOutcome } from "../core/rebuild.ts";
import type { Admission, Verdict } from "../core/verdict.ts";
import type { DecisionLog } from "./decision-log.ts";
import { type JudgingPolicy, judge } from "./judge.ts";
import type { Mirror } from "./obtain.ts";

export interface RebuildsDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Pick<Ecosystem, "tags">>>;
  readonly mirror: Pick<Mirror, "line">;
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt" | "record" | "lease" | "release">;
  readonly blobs: Pick<BlobStore, "find">;
  readonly policy: JudgingPolicy;
  readonly decisions: Pick<DecisionLog, "reverified">;
  readonly clock: Clock;
}

/** As long as writing one journal line can take; whoever fetches the archive meanwhile renews theirs. */
const LEASE_MS = 15_000;
const LEASE_POLL_MS = 100;

/** Adds to what is known of archives what came of making them anew. */
export class Rebuilds {
  readonly #deps: RebuildsDeps;

  constructor(deps: RebuildsDeps) {
    this.#deps = deps;
  }

  /**
   * Writes a journal line with the rebuild among the evidence, judged by the policy of now: from then on it counts, in every process on this data folder. Waits while the
   * archive is being fetched. Throws CONFLICT where other bytes are known under its name by now, NOT_FOUND where nothing is, and what judging throws.
   */
  async record(ref: ArtifactRef, rebuild: Rebuild, asker: Asker): Promise<void> {
    const repository = this.#deps.repositories.find(({ name }) => name === ref.repository);
    if (!repository) throw new AssayError("NOT_FOUND", `no repository ${ref.repository} is configured`);
    const { index } = this.#deps;
    const [key, owner] = [`archive\0${artifactKey(ref)}`, randomUUID()];
    while (!(await index.lease(key, owner, LEASE_MS))) await sleep(LEASE_POLL_MS);
    try {
      await this.#add(repository, ref, rebuild, asker);
    } finally {
      await index.release(key, owner);
    }
  }

  async #add(repository: Repository, ref: ArtifactRef, rebuild: Rebuild, asker: Asker): Promise<void> {
    const { mirror, index, decisions, clock, ecosystems } = this.#deps;
    const line = await mirror.line(repository, ref);
    if (!line) throw new AssayError("NOT_FOUND", `nothing is known of ${formatPurl(ref)}`);
    if (line.digest !== rebuild.published) {
      const text = `${formatPurl(ref)} was compared as sha256 ${rebuild.published}, and is known as ${line.digest} by now`;
      throw new AssayError("CONFLICT", text, { help: "rebuild it again" });
    }
    const now = clock.now();
    const found: Evidence = { verifier: "rebuild", subject: line.digest, checkedAt: now, outcome: rebuildOutcome(rebuild) };
    const evidence = [...line.evidence.filter((each) => !isSuperseded(each, rebuild)), found];
    const judged = await judge(repository, { ...line, evidence }, { ...this.#deps, ecosystem: ecosystems[ref.ecosystem] });
    const verdict = await this.#recordable(line, judged.verdict);
    const admission: Admission = { ...line, ...judged, verdict, evidence, decidedAt: now };
    await index.record(admission, decisions.reverified(asker, admission));
  }

  /** A line that admits says that the bytes are in the store. Of those that were refused at the door the next request fetches them, and finds the rebuild. */
  async #recordable(line: Admission, verdict: Verdict): Promise<Verdict> {
    if (verdict.kind === "refuse" || (await this.#deps.blobs.find(line.digest, line.sizeBytes))) return verdict;
    return line.verdict;
  }
}

/**
 * A rebuild takes the place of the one before it. But that the bytes once followed from a source stays true, whatever a builder of another version makes of it: so that
 * is kept beside one that did not succeed.
 */
function isSuperseded(known: Evidence, { source, result }: Rebuild): boolean {
  if (known.verifier !== "rebuild") return false;
  const before = rebuildIn(known);
  const isProof =
    before?.result === "identical" && before.source.repository === source.repository && before.source.commit === source.commit;
  return !isProof || result === "identical";
}
