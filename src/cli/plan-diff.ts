import type { Config } from "../app/config.ts";
import { shown } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import type { Planned } from "../mirror/plan/planner.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { type Grievance, grievancesOf } from "./grievances.ts";
import type { Printing } from "./print-reports.ts";
import { withAssay } from "./with-assay.ts";

export interface PlanDiffCommand extends Printing {
  readonly env: NodeJS.ProcessEnv;
  /** The same configuration twice, with one policy each. */
  readonly old: Config;
  readonly next: Config;
}

/**
 * What becomes of an archive. `recorded`: served in audit mode, and refused once the policy is enforced. `unknown`: what is kept is not enough for a verdict.
 */
const STANDINGS = ["admitted", "recorded", "refused", "unknown"] as const;
type Standing = (typeof STANDINGS)[number];

/** One archive whose verdict changes. */
interface Change {
  readonly purl: string;
  readonly repository: string;
  readonly from: Standing;
  readonly to: Standing;
  /** What either policy has against it. */
  readonly before: readonly Grievance[];
  readonly after: readonly Grievance[];
}

/**
 * `assay plan --diff OLD NEW`: whose verdict changes, of everything that was ever admitted or refused. One archive after the other, from what is kept, so that a store of any
 * size is compared in the same memory; nobody is asked. Answers 0; 2 where something becomes refused; 69 where something that was admitted is not known.
 */
export function planDiff({ env, old, next, json, print }: PlanDiffCommand): Promise<number> {
  return withAssay({ ...old, offline: true }, env, ({ planner: before }) =>
    withAssay({ ...next, offline: true }, env, async ({ planner: after }) => {
      const tally = new Tally();
      if (json) print('{"changes":[');
      else print(`from ${shown(old.policyPath)} (${before.mode}) to ${shown(next.policyPath)} (${after.mode})\n\n`);
      for await (const subject of before.decided()) {
        const change = changeOf(await before.plan(subject), await after.plan(subject));
        tally.add(change);
        if (change.from === change.to) continue;
        print(json ? `${tally.changes === 1 ? "" : ","}\n${JSON.stringify(change)}` : changeText(change));
      }
      print(json ? `\n],\n"summary":${JSON.stringify(tally.summary())}}\n` : tally.text());
      return tally.exit();
    }),
  );
}

function changeOf(before: Planned, after: Planned): Change {
  return {
    purl: formatPurl(after.ref),
    repository: after.ref.repository,
    from: standingOf(before),
    to: standingOf(after),
    before: grievancesOf(before),
    after: grievancesOf(after),
  };
}

function standingOf(planned: Planned): Standing {
  if (planned.kind !== "judged") return planned.kind === "unknown" ? "unknown" : "refused";
  if (planned.rehearsal.asItStands.kind === "refuse") return "refused";
  return planned.rehearsal.verdict.kind === "refuse" ? "recorded" : "admitted";
}

class Tally {
  readonly #pairs = new Map<`${Standing} ${Standing}`, number>();
  changes = 0;

  add({ from, to }: Change): void {
    this.#pairs.set(`${from} ${to}`, this.#count(from, to) + 1);
    if (from !== to) this.changes++;
  }

  summary() {
    const becoming = (to: Standing): number => STANDINGS.reduce((sum, from) => sum + (from === to ? 0 : this.#count(from, to)), 0);
    const unchanged = STANDINGS.reduce((sum, standing) => sum + this.#count(standing, standing), 0);
    return {
      archives: unchanged + this.changes,
      unchanged,
      becomeRefused: becoming("refused"),
      becomeRecorded: becoming("recorded"),
      becomeAdmitted: becoming("admitted"),
      becomeUnknown: becoming("unknown"),
    };
  }

  exit(): number {
    const { becomeRefused } = this.summary();
    if (becomeRefused > 0) return EXIT_REFUSED;
    return this.#count("admitted", "unknown") > 0 ? exitCode("UPSTREAM_EVIDENCE") : EXIT_DONE;
  }

  text(): string {
    const { archives, unchanged, becomeRefused, becomeRecorded, becomeAdmitted, becomeUnknown } = this.summary();
    const parts = [
      `${becomeRefused} ${becomeRefused === 1 ? "becomes" : "become"} refused`,
      ...(becomeRecorded === 0 ? [] : [`${becomeRecorded} would be once it is enforced`]),
      `${becomeAdmitted} ${becomeAdmitted === 1 ? "becomes" : "become"} admitted`,
      ...(becomeUnknown === 0 ? [] : [`${becomeUnknown} cannot be told`]),
      `${unchanged} ${unchanged === 1 ? "stays" : "stay"} as ${unchanged === 1 ? "it is" : "they are"}`,
    ];
    return `${this.changes === 0 ? "" : "\n"}${archives} ${archives === 1 ? "archive" : "archives"}: ${parts.join(", ")}\n`;
  }

  #count(from: Standing, to: Standing): number {
    return this.#pairs.get(`${from} ${to}`) ?? 0;
  }
}

/** What stands against it now, else what stood against it before. */
function changeText({ purl, from, to, before, after }: Change): string {
  const [lead, grievances] = after.length > 0 ? ["", after] : ["no longer: ", before];
  const lines = grievances.map(({ text }) => `    ${lead}${shown(text)}\n`);
  return `${`${from} -> ${to}`.padEnd(22)}${shown(purl)}\n${lines.join("")}`;
}
