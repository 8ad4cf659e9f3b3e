import { Random } from "../support/random.ts";
import { BUNDLE_MUTATIONS } from "./bundle-mutations.ts";
import { FIELD_MUTATIONS } from "./field-mutations.ts";
import { type Mutation, pickOf } from "./mutation.ts";
import type { Specimen } from "./specimen.ts";
import { changeText } from "./text-mutations.ts";

/** A document that was changed, and what it must be checked against, which was not. */
export interface Mutant {
  readonly specimen: Specimen;
  /** What was done to it. */
  readonly label: string;
  readonly document: Buffer;
}

const ATTEMPTS = 20;

/** As many as asked for, the same ones for the same seed and specimens. */
export function* mutantsOf(specimens: readonly Specimen[], seed: number, count: number): Generator<Mutant> {
  const random = new Random(seed);
  for (let made = 0; made < count; ) {
    const specimen = pickOf(random, specimens);
    const donors = specimens.filter(({ kind, name }) => kind === specimen?.kind && name !== specimen.name);
    const donor = pickOf(random, donors)?.json ?? specimen?.json;
    if (!specimen) return;
    const tree = structuredClone(specimen.json);
    // One change shows what it does. Two together get past a check that one alone fails.
    const labels = Array.from({ length: 1 + Number(random.below(5) === 0) }, () => mutateOnce(tree, donor, random));
    const asText = random.below(8) === 0;
    const text = JSON.stringify(tree);
    const [label, document] = asText ? changeText(JSON.stringify(specimen.json), random) : [labels.join(", "), Buffer.from(text)];
    if (text === JSON.stringify(specimen.json) && !asText) continue;
    made++;
    yield { specimen, label, document };
  }
}

function mutateOnce(tree: Specimen["json"], donor: Specimen["json"], random: Random): string {
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const mutations: readonly Mutation[] = random.below(2) === 0 ? FIELD_MUTATIONS : BUNDLE_MUTATIONS;
    const label = attempt(pickOf(random, mutations), tree, { random, donor });
    if (label !== undefined) return label;
  }
  return "nothing";
}

/** A second change may find that the first has left no such part in the document. */
function attempt(mutation: Mutation | undefined, ...input: Parameters<Mutation>): string | undefined {
  try {
    return mutation?.(...input);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
