import { formatPurl } from "../core/purl.ts";
import type { LEVELS, Level } from "../core/statement.ts";
import type { LockedArtifacts, NamedLock } from "../mirror/locks/locked-artifacts.ts";
import type { Planned } from "../mirror/plan/planner.ts";
import { describeSigner } from "../policy/decide/signatures.ts";
import { type Grievance, grievancesOf } from "./grievances.ts";

/** One archive of a plan. Every key is always there. */
export interface PlanRow {
  readonly purl: string;
  readonly repository: string;
  /** Name and version, for people. */
  readonly release: string;
  readonly outcome: "admitted" | "refused" | "unknown";
  /** That its evidence makes; null where it was not judged. */
  readonly level: Level | null;
  /** The rule that holds, or `defaults`. */
  readonly rule: string | null;
  /** Why it is refused, or not known. */
  readonly reasons: readonly Grievance[];
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
  /** Who made it, as far as a verified signature says so, in words; each once. */
  readonly signers: readonly string[];
}

/** What a policy would do to a project. It is printed as it stands with `--json`, so its keys are documented in the README. */
export interface PlanReport {
  readonly policy: { readonly file: string; readonly mode: "enforce" | "audit" };
  readonly locks: readonly string[];
  readonly artifacts: readonly PlanRow[];
  /** What no mirror can speak for. */
  readonly uncovered: readonly { readonly lock: string; readonly at: string; readonly name: string; readonly reason: string }[];
  /** Entries of which no archive could be told. */
  readonly unusable: readonly {
    readonly lock: string;
    readonly at: string;
    readonly name: string;
    readonly code: string;
    readonly text: string;
  }[];
  /** Who signs what: most packages first. */
  readonly signers: readonly { readonly signer: string; readonly packages: readonly string[] }[];
  /** Packages of which an archive was made by nobody that a verified signature would name. */
  readonly unsigned: readonly string[];
  readonly summary: {
    readonly archives: number;
    readonly admitted: number;
    readonly refused: number;
    readonly unknown: number;
    readonly uncovered: number;
    readonly unusable: number;
    /** Those of them where the lock and the index disagree. */
    readonly atOdds: number;
    /** Archives for other machines than those asked for. */
    readonly leftOut: number;
    /** Of those admitted. */
    readonly levels: Readonly<Record<Level, number>>;
  };
}

/** The code of an entry that no index could be right about as well. */
export const AT_ODDS = "BAD_REQUEST";

export function planReport(
  policy: PlanReport["policy"],
  locks: readonly NamedLock[],
  { uncovered, unusable, leftOut }: Pick<LockedArtifacts, "uncovered" | "unusable" | "leftOut">,
  planned: readonly Planned[],
): PlanReport {
  const artifacts = planned.map(rowOf);
  const count = (outcome: PlanRow["outcome"]): number => artifacts.filter((row) => row.outcome === outcome).length;
  const atLevel = (level: Level): number => artifacts.filter((row) => row.outcome === "admitted" && row.level === level).length;
  return {
    policy,
    locks: locks.map(({ path }) => path),
    artifacts,
    uncovered: uncovered.map(({ lock, at, name, reason }) => ({ lock, at, name, reason })),
    unusable: unusable.map(({ lock, at, name, error }) => ({ lock, at, name, code: error.code, text: error.message })),
    ...signaturesIn(planned),
    summary: {
      archives: artifacts.length,
      admitted: count("admitted"),
      refused: count("refused"),
      unknown: count("unknown"),
      uncovered: uncovered.length,
      unusable: unusable.length,
      atOdds: unusable.filter(({ error }) => error.code === AT_ODDS).length,
      leftOut: leftOut.length,
      levels: { L0: atLevel("L0"), L1: atLevel("L1"), L2: atLevel("L2"), L3: atLevel("L3") } satisfies Record<
        (typeof LEVELS)[number],
        number
      >,
    },
  };
}

function rowOf(planned: Planned): PlanRow {
  const { ref } = planned;
  const judged = planned.kind === "judged" ? planned.rehearsal : undefined;
  const reasons = grievancesOf(planned);
  const warnings = judged?.verdict.kind === "admit" ? judged.verdict.warnings : [];
  return {
    purl: formatPurl(ref),
    repository: ref.repository,
    release: `${ref.name}@${ref.version}`,
    outcome: planned.kind === "unknown" ? "unknown" : reasons.length > 0 ? "refused" : "admitted",
    level: judged?.level ?? null,
    rule: judged?.rule ?? null,
    reasons,
    warnings: warnings.map(({ code, text }) => ({ code, text })),
    signers: signersOf(planned),
  };
}

function signersOf(planned: Planned): readonly string[] {
  return planned.kind === "judged" ? [...new Set(planned.rehearsal.signers.map(describeSigner))] : [];
}

function signaturesIn(planned: readonly Planned[]): Pick<PlanReport, "signers" | "unsigned"> {
  const bySigner = new Map<string, Set<string>>();
  const unsigned = new Set<string>();
  for (const each of planned) {
    if (each.kind !== "judged") continue;
    const { name } = each.ref;
    const signers = signersOf(each);
    if (signers.length === 0) unsigned.add(name);
    for (const signer of signers) bySigner.set(signer, (bySigner.get(signer) ?? new Set()).add(name));
  }
  const signers = [...bySigner].map(([signer, packages]) => ({ signer, packages: [...packages].sort() }));
  return {
    signers: signers.sort((left, right) => right.packages.length - left.packages.length || (left.signer < right.signer ? -1 : 1)),
    unsigned: [...unsigned].sort(),
  };
}
