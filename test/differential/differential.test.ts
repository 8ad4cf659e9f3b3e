import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseTrustRoot, publicTrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { Random } from "../support/random.ts";
import { sharedData } from "../support/shared-data.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";
import { compare } from "./differential.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";
import { findOracles } from "./oracle.ts";
import { resigned } from "./resigned.ts";
import { privateSpecimens, realSpecimens, type Specimen } from "./specimen.ts";
import { tally } from "./tally.ts";

// Assay beside two verifiers of other people, on documents that were changed in every way that came to mind. A short sample runs with the other tests; a
// long run is `ASSAY_DIFFERENTIAL_MUTANTS=20000 npm test -- test/differential`, with `ASSAY_DIFFERENTIAL_SEED` for other ones.

const MUTANTS = Number(process.env["ASSAY_DIFFERENTIAL_MUTANTS"] ?? 300);
const SEED = Number(process.env["ASSAY_DIFFERENTIAL_SEED"] ?? 740);
const TIMEOUT_MS = 120_000 + MUTANTS * 200;

const oracles = findOracles();
const instance = new SigstoreInstance();
const root = instance.trustRoot();
const specimens: readonly Specimen[] = [...realSpecimens(rootNamed), ...privateSpecimens(instance, root)];

function rootNamed(name: "public" | "staging"): Specimen["root"] {
  return name === "public"
    ? publicTrustRoot()
    : parseTrustRoot(readFileSync(join(sharedData("pypi") ?? "", "trusted_root.staging.json")), name);
}

/** Two of three are changed after they were signed, the third was signed oddly. */
function* sample(): Generator<Mutant> {
  const random = new Random(SEED);
  const changed = mutantsOf(specimens, SEED, MUTANTS);
  for (let made = 0; made < MUTANTS; made++) {
    const next = made % 3 === 2 ? undefined : changed.next().value;
    yield next ?? resigned(instance, root, random);
  }
}

test.skipIf(oracles.length === 0)("unchanged documents are accepted by everybody who can say", { timeout: TIMEOUT_MS }, async () => {
  const unchanged = specimens.map((specimen) => ({ specimen, label: "unchanged", document: Buffer.from(JSON.stringify(specimen.json)) }));
  const { table, unexplained } = await tally(compare(unchanged, oracles));
  expect([...table.keys()].filter((answers) => answers.startsWith("Assay refuses"))).toEqual([]);
  expect(unexplained).toEqual([]);
});

test.skipIf(oracles.length === 0)(
  `Assay accepts nothing that all others refuse: ${MUTANTS} documents of seed ${SEED}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { table, differences, alone, unexplained } = await tally(compare(sample(), oracles));
    for (const counts of [table, differences])
      console.log(
        [...counts]
          .sort(([, a], [, b]) => b - a)
          .map(([what, times]) => `${String(times).padStart(6)}  ${what}`)
          .join("\n"),
      );
    expect(alone).toEqual([]);
    expect(unexplained).toEqual([]);
    // A sample that nobody accepts anything of would show nothing.
    expect([...table].filter(([answers]) => !answers.includes("refuses")).length).toBeGreaterThan(0);
  },
);
