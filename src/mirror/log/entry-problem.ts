import { ECOSYSTEM_IDS } from "../../core/artifact.ts";
import { isJsonObject } from "../../core/json.ts";
import type { KeptDecision } from "../../core/ports/decision-tree.ts";
import { formatPurl } from "../../core/purl.ts";

/** What is wrong with an entry as it stands in its row: its text is another's, or the row says otherwise, by which it is then found or not. Undefined where all is well. */
export function entryProblem(kept: KeptDecision): string | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(kept.text);
  } catch {
    return "the entry is no JSON";
  }
  if (!isJsonObject(entry)) return "the entry is no JSON object";
  if (entry["position"] !== kept.position) return `the entry says that it is at position ${String(entry["position"])}`;
  const ecosystem = ECOSYSTEM_IDS.find((id) => id === kept.ecosystem);
  const row = {
    repository: kept.repository,
    outcome: kept.outcome,
    purl: ecosystem && formatPurl({ ...kept, ecosystem }),
    file: kept.file,
    time: new Date(kept.decidedAt).toISOString(),
  };
  const other = Object.entries(row).find(([member, value]) => entry[member] !== value);
  return other && `its row says ${other[0]} ${String(other[1])}, the entry ${String(entry[other[0]])}`;
}
