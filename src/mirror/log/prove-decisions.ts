import type { LoggedDecision } from "../../core/decision.ts";
import { AssayError } from "../../core/errors.ts";
import type { DecisionTree } from "../../core/ports/decision-tree.ts";
import type { Checkpoint } from "../../core/tlog/checkpoint.ts";
import type { ProvenEntry } from "../../core/tlog/decision-proofs.ts";
import { type InclusionProof, provesEntry } from "../../core/tlog/inclusion-proof.ts";

/** Entries of the log with their proofs against a checkpoint that covers them. Throws STORE_CORRUPT where one is not what was signed, and what `DecisionTree` throws. */
export async function proveDecisions(
  entries: readonly LoggedDecision[],
  checkpoint: Checkpoint,
  tree: Pick<DecisionTree, "path">,
): Promise<readonly ProvenEntry[]> {
  const proven: ProvenEntry[] = [];
  for (const { position, text } of entries) {
    const proof: InclusionProof = { position, path: await tree.path(position, checkpoint.size), checkpoint };
    if (!provesEntry(proof, text)) {
      throw new AssayError("STORE_CORRUPT", `the entry at position ${position} of the decision log is not the one that was signed`, {
        help: "`assay log verify` says what differs",
      });
    }
    proven.push({ entry: text, proof });
  }
  return proven;
}
