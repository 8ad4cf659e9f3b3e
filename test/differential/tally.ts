import type { Comparison } from "./differential.ts";
import { LENIENCES, STRICTNESSES } from "./explanations.ts";
import type { OracleAnswer, OracleName } from "./oracle.ts";

/** What a whole run came to. Lines are for people. */
export interface Tally {
  /** How often each combination of answers was given: `Assay accepts, pypi-attestations accepts, sigstore-go refuses`. */
  readonly table: ReadonlyMap<string, number>;
  /** How often each known difference showed. */
  readonly differences: ReadonlyMap<string, number>;
  /** What Assay accepts and nobody else does. */
  readonly alone: readonly string[];
  /** What Assay accepts and somebody refuses, or refuses and everybody accepts, for no reason that is known. */
  readonly unexplained: readonly string[];
}

const VERBS = { accept: "accepts", refuse: "refuses", inapplicable: "cannot say" } as const;

export async function tally(comparisons: AsyncIterable<Comparison>): Promise<Tally> {
  const table = new Map<string, number>();
  const differences = new Map<string, number>();
  const alone: string[] = [];
  const unexplained: string[] = [];
  for await (const comparison of comparisons) {
    const { finding, answers } = comparison;
    const judges = [...answers].filter(([, { verdict }]) => verdict !== "inapplicable");
    count(
      table,
      [`Assay ${finding ? "refuses" : "accepts"}`, ...[...answers].map(([name, { verdict }]) => `${name} ${VERBS[verdict]}`)].join(", "),
    );
    const refusing = judges.filter(([, { verdict }]) => verdict === "refuse");
    if (!finding && answers.size > 1 && judges.length > 0 && refusing.length === judges.length && judges.length === answers.size) {
      alone.push(describe(comparison));
    } else if (!finding) {
      for (const [name, answer] of refusing) note(lenience(name, answer), comparison);
    } else if (answers.size > 1 && judges.length === answers.size && refusing.length === 0) {
      // Beside one other verifier alone, this only says that we are the stricter of two.
      note(strictness(finding), comparison);
    }
  }
  return { table, differences, alone, unexplained };

  function note(why: string | undefined, comparison: Comparison): void {
    if (why === undefined) unexplained.push(describe(comparison));
    else count(differences, why);
  }
}

function lenience(name: OracleName, { reason }: OracleAnswer): string | undefined {
  const known = LENIENCES.find((each) => each.oracle === name && reason.includes(each.reason));
  return known && `accepted, though ${name} says ${JSON.stringify(known.reason)}: ${known.why}`;
}

function strictness({ code, detail }: NonNullable<Comparison["finding"]>): string | undefined {
  const known = STRICTNESSES.find((each) => each.code === code && detail.includes(each.detail));
  return known && `refused alone, ${code} ${JSON.stringify(known.detail)}: ${known.why}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** With the document itself, since a private instance's keys are made anew for every run. */
function describe({ mutant: { specimen, label, document }, finding, answers }: Comparison): string {
  const said = [...answers].map(([name, { verdict, reason }]) => `  ${name} ${VERBS[verdict]} ${reason}`);
  const own = `  Assay ${finding ? `refuses ${finding.code} ${finding.detail}` : "accepts"}`;
  return [`${specimen.name}: ${label}`, own, ...said, `  ${document.toString("base64")}`].join("\n");
}
