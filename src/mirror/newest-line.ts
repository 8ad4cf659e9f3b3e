import type { ArtifactRef } from "../core/artifact.ts";
import type { VerifierId } from "../core/evidence.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Admission } from "../core/verdict.ts";
import { isWhole } from "./is-whole.ts";

interface Judges {
  /** Those that look at every archive. */
  readonly verifierIds: readonly VerifierId[];
  /** Those whose evidence rests on roots and keys. */
  readonly trusting: ReadonlySet<string>;
}

/**
 * The journal line that knows most about the bytes that were admitted; undefined where none were. A later check of the same bytes counts also where it ended in a
 * refusal, but of a whole line only what it found about signatures and rebuilds: an index that claims another digest by now does not undo what was admitted.
 */
export async function newestLine(
  ref: ArtifactRef,
  index: Pick<Index, "admission">,
  { verifierIds, trusting }: Judges,
): Promise<Admission | undefined> {
  const newest = await index.admission(ref);
  if (!newest || newest.verdict.kind === "admit") return newest;
  const admitted = await index.admission(ref, { admittedOnly: true });
  if (admitted?.digest !== newest.digest) return admitted;
  if (!isWhole(admitted, verifierIds)) return newest;
  const evidence = [admitted, newest].flatMap((line) =>
    line.evidence.filter(({ verifier }) => (trusting.has(verifier) || verifier === "rebuild") === (line === newest)),
  );
  return { ...admitted, evidence };
}
