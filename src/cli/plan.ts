import { relative } from "node:path";
import type { Assay } from "../app/compose.ts";
import type { Config } from "../app/config.ts";
import { artifactKey } from "../core/artifact.ts";
import { asTheyCome } from "../core/as-they-come.ts";
import type { LockTarget } from "../core/target-platform.ts";
import { leftOutBy } from "../ecosystems/left-out-by.ts";
import type { NamedLock, WantedArtifact } from "../mirror/locks/locked-artifacts.ts";
import type { LockQuestion } from "../mirror/locks/locks.ts";
import type { Planned } from "../mirror/plan/planner.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { type ProposalReport, proposalText, type WriteFlags, writeProposal } from "./plan-proposal.ts";
import { AT_ODDS, type PlanReport, planReport } from "./plan-report.ts";
import { planText } from "./plan-text.ts";
import type { Printing } from "./print-reports.ts";
import { ProgressLine } from "./progress-line.ts";
import { readLocks } from "./read-locks.ts";
import { toJson } from "./to-json.ts";
import { withAssay } from "./with-assay.ts";

export interface PlanCommand extends Printing {
  /** By the policy to plan for. */
  readonly config: Config;
  /** By the policy in force, which alone decides what is fetched and kept. */
  readonly inForce: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Whether what is not known is fetched first. */
  readonly fetch: boolean;
  readonly repository: string | undefined;
  /** The machines that the plan is for. */
  readonly target: LockTarget;
  /** Where a policy that lets in what is planned is to be written; undefined where none is. */
  readonly write: WriteFlags | undefined;
  /** To standard error, for people. */
  readonly warn: (text: string) => void;
  /** Whether standard error is a terminal, and how wide it is. */
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
}

/** Archives fetched at once. How many connections that makes is limited elsewhere. */
const AT_ONCE = 8;

/**
 * `assay plan LOCK…`: what a policy would do to a project, from what is kept, and with `write` a policy that would let it in. Answers 0 where all is admitted, by the policy that is
 * written where one is; 2 where something is refused; 65 where a lock and an index disagree; 69 where something is not known. Throws USAGE, NOT_FOUND, BAD_REQUEST for locks that
 * cannot be read, CONFIG_INVALID for a policy that is not valid, CONFLICT for a file that is there, UNPROCESSABLE where a policy has no room for all.
 */
export async function plan(command: PlanCommand, paths: readonly string[]): Promise<number> {
  const { config, env, fetch, json, print, warn, write } = command;
  const locks = await readLocks(paths, config);
  const failed = fetch ? await fetchAll(command, locks) : new Map<string, string>();
  return withAssay({ ...config, offline: config.offline || !fetch }, env, async (assay) => {
    const { report, planned: archives } = await planned(assay, command, { locks, failed });
    const proposal = write ? await writeProposal(assay.planner.propose(archives, write.owner), write) : null;
    const isOnOutput = proposal !== null && proposal.file === null && !json;
    if (json) print(toJson({ ...report, proposal }));
    // A policy that goes to standard output is alone there.
    else (isOnOutput ? warn : print)(`${planText(report)}${proposal ? proposalText(proposal) : ""}`);
    if (isOnOutput) print(proposal.text);
    return exitOf(report, proposal);
  });
}

/**
 * Sends what is not known yet down the road, by the policy in force: what a policy that is only planned would let in is not let in by planning. What the one in force
 * refuses leaves its evidence, and that is what a plan is made of. Answers why what could not be fetched could not be, by `artifactKey`.
 */
function fetchAll(command: PlanCommand, locks: readonly NamedLock[]): Promise<ReadonlyMap<string, string>> {
  const { inForce, env, warn } = command;
  return withAssay(inForce, env, async (assay) => {
    const { artifacts } = await assay.locks.artifacts(locks, questionOf(command));
    const run = assay.prefetch();
    const failed = new Map<string, string>();
    let [done, refused] = [0, 0];
    const line = new ProgressLine(command, () => ({ done, total: artifacts.length, bytes: run.receivedBytes, refused }));
    const fetchOne = async (wanted: WantedArtifact) => {
      const fetched = mayBeOtherwise(await assay.planner.plan(wanted)) ? await run.fetch(wanted) : undefined;
      return { key: artifactKey(wanted.ref), fetched };
    };
    try {
      for await (const { key, fetched } of asTheyCome(artifacts, AT_ONCE, fetchOne)) {
        done++;
        if (fetched?.kind === "refused") refused++;
        if (fetched?.kind === "unavailable") failed.set(key, fetched.error.message);
      }
    } finally {
      line.end();
    }
    warn(`looked for ${done} ${done === 1 ? "archive" : "archives"}; ${failed.size} could not be had\n`);
    return failed;
  });
}

function questionOf({ repository, target }: Pick<PlanCommand, "repository" | "target">): LockQuestion {
  return { repository, leftOutBy: (artifact) => leftOutBy(artifact, target) };
}

/** What no policy decides may have been put right since: the index, its archive, or a lock that was fetched by. What a policy refuses is known well enough. */
function mayBeOtherwise(planned: Planned): boolean {
  if (planned.kind !== "judged") return planned.kind === "unknown";
  const { verdict } = planned.rehearsal;
  return verdict.kind === "refuse" && verdict.reasons.some(({ rule }) => rule === "always");
}

interface PlanBasis {
  readonly locks: readonly NamedLock[];
  /** Why what was to be fetched could not be. */
  readonly failed: ReadonlyMap<string, string>;
}

async function planned(
  { planner, locks: locked }: Assay,
  command: PlanCommand,
  { locks, failed }: PlanBasis,
): Promise<{ readonly report: PlanReport; readonly planned: readonly Planned[] }> {
  const wanted = await locked.artifacts(locks, questionOf(command));
  const planned: Planned[] = [];
  for (const subject of wanted.artifacts) {
    const each = await planner.plan(subject);
    const why = each.kind === "unknown" ? failed.get(artifactKey(subject.ref)) : undefined;
    planned.push(why === undefined ? each : { kind: "unknown", ref: subject.ref, detail: why });
  }
  const file = relative(process.cwd(), command.config.policyPath);
  const policy = { file: file.startsWith("..") ? command.config.policyPath : file, mode: planner.mode };
  return { report: planReport(policy, locks, wanted, planned), planned };
}

function exitOf({ summary, artifacts }: PlanReport, proposal: ProposalReport | null): number {
  // Of these no policy decides, so no proposal is about them.
  const isOther = artifacts.some(({ outcome, level }) => outcome === "refused" && level === null);
  if (proposal ? proposal.remaining.length > 0 || isOther : summary.refused > 0) return EXIT_REFUSED;
  if (summary.atOdds > 0) return exitCode(AT_ODDS);
  return summary.unknown + summary.unusable > 0 ? exitCode("UPSTREAM_EVIDENCE") : EXIT_DONE;
}
