import type { EditReport } from "../../src/mirror/explain/report.ts";

/**
 * Writes edits into a policy's text as a person would: a key that the policy lacks goes to its end as it stands, entries of one that it has go under it, and a rule
 * goes before or in the place of the one that stands at `at`. Entries of the policy must be in block style, one a line.
 */
export function paste(policyText: string, edits: readonly Pick<EditReport, "under" | "how" | "at" | "yaml">[]): string {
  const positions = new Map(edits.map((edit) => [edit, edit.how === "add" ? undefined : lineOf(edit.at)]));
  let lines = policyText.trimEnd().split("\n");
  // From the bottom up, so that the lines named above stay where they are.
  for (const edit of edits.toSorted((left, right) => (positions.get(right) ?? 0) - (positions.get(left) ?? 0))) {
    const at = positions.get(edit);
    const entries = edit.yaml.trimEnd().split("\n").slice(1);
    const key = lines.indexOf(`${edit.under}:`);
    if (at !== undefined) lines = lines.toSpliced(at - 1, edit.how === "replace" ? 1 : 0, ...entries);
    else if (key >= 0) lines = lines.toSpliced(endOf(lines, key), 0, ...entries);
    else lines = [...lines, edit.yaml.trimEnd()];
  }
  return `${lines.join("\n")}\n`;
}

function lineOf(at: string | null): number {
  const line = Number(/:(\d+):\d+$/.exec(at ?? "")?.[1]);
  if (!Number.isInteger(line)) throw new Error(`expected a place in the policy, got ${at}`);
  return line;
}

function endOf(lines: readonly string[], key: number): number {
  const next = lines.findIndex((line, index) => index > key && !line.startsWith(" "));
  return next < 0 ? lines.length : next;
}
