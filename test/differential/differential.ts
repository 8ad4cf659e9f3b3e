import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../src/core/finding.ts";
import type { TrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { assayFinding } from "./assay-verdict.ts";
import { bundlesOf } from "./bundles-of.ts";
import type { Mutant } from "./mutants.ts";
import { Oracle, type OracleAnswer, type OracleName } from "./oracle.ts";

/** Documents under way at once: enough to keep every process busy. */
const BATCH = 64;

/** What became of one document. */
export interface Comparison {
  readonly mutant: Mutant;
  /** Why Assay refuses; undefined where it accepts. */
  readonly finding: Finding | undefined;
  readonly answers: ReadonlyMap<OracleName, OracleAnswer>;
}

/** Shows each document to Assay and to each of the others, one process for each. */
export async function* compare(mutants: Iterable<Mutant>, names: readonly OracleName[]): AsyncGenerator<Comparison> {
  const folder = mkdtempSync(join(tmpdir(), "assay-differential-"));
  const oracles = names.map((name) => new Oracle(name));
  const roots = new RootFiles(folder);
  try {
    let batch: Mutant[] = [];
    for (const mutant of mutants) {
      batch.push(mutant);
      if (batch.length < BATCH) continue;
      yield* await compareAll(batch, oracles, roots);
      batch = [];
    }
    yield* await compareAll(batch, oracles, roots);
  } finally {
    for (const oracle of oracles) oracle.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareAll(mutants: readonly Mutant[], oracles: readonly Oracle[], roots: RootFiles): Promise<readonly Comparison[]> {
  // The others work while Assay does.
  const asked = mutants.map((mutant, id) => askAll(mutant, id, oracles, roots));
  const findings = mutants.map(({ specimen, document }) => assayFinding(specimen, document));
  const answers = await Promise.all(asked);
  return mutants.map((mutant, index) => ({ mutant, finding: findings[index], answers: answers[index] ?? new Map() }));
}

async function askAll(
  { specimen: { kind, root, digests, file, keys }, document }: Mutant,
  id: number,
  oracles: readonly Oracle[],
  roots: RootFiles,
): Promise<Comparison["answers"]> {
  const bundles = bundlesOf(kind, document);
  const request = { id, kind, document: document.toString("base64"), bundles, root: roots.pathOf(root), digests, file, keys };
  return new Map(await Promise.all(oracles.map(async (oracle) => [oracle.name, await oracle.ask(request)] as const)));
}

/** Trust roots as files, which is how the others read them. */
class RootFiles {
  readonly #folder: string;
  readonly #paths = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf({ sha256, text }: TrustRoot): string {
    const path = this.#paths.get(sha256) ?? join(this.#folder, `${sha256}.json`);
    if (!this.#paths.has(sha256)) writeFileSync(path, text);
    this.#paths.set(sha256, path);
    return path;
  }
}
