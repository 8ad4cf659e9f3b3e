import { isJsonObject } from "../../core/json.ts";
import { isSignedBy } from "../../core/tlog/checkpoint.ts";
import type { ProvenEntry } from "../../core/tlog/decision-proofs.ts";
import { provesEntry } from "../../core/tlog/inclusion-proof.ts";
import type { NoteKey } from "../../core/tlog/note-key.ts";
import type { LogFinding } from "./verify-log.ts";

/** What is wrong with proofs that entries stand in a log whose keys are known; none where all are proven. Needs nothing but them. */
export function verifyProofs(proven: readonly ProvenEntry[], keys: readonly NoteKey[]): readonly LogFinding[] {
  return proven.flatMap((one) => {
    const text = proofProblem(one, keys);
    return text === undefined ? [] : [{ position: one.proof.position, text }];
  });
}

function proofProblem({ entry, proof }: ProvenEntry, keys: readonly NoteKey[]): string | undefined {
  const { position, checkpoint } = proof;
  if (!isSignedBy(checkpoint, keys)) return "its checkpoint is not signed by a key that was given";
  if (position >= checkpoint.size) return `its checkpoint was signed over ${checkpoint.size} entries, fewer than would have it`;
  if (!provesEntry(proof, entry)) return "the proof does not lead from this entry to what was signed";
  return positionIn(entry) === position ? undefined : "the entry itself says that it is at another position";
}

function positionIn(entry: string): unknown {
  try {
    const parsed: unknown = JSON.parse(entry);
    return isJsonObject(parsed) ? parsed["position"] : undefined;
  } catch {
    return undefined;
  }
}
