import { printable, shown } from "../core/printable.ts";
import type { DescribedSuggestion, Description } from "../mirror/explain/describe.ts";
import { table } from "./table.ts";

/** For a terminal: the verdict first, then what it rests on, then what would change it. Nothing foreign can move the cursor or hide a line; there are no colours. */
export function reportText({ title, verdict, sections, suggestions }: Description): string {
  const rows = sections.flatMap((section) => section.rows.map(([label, text]) => [`  ${shown(label)}`, shown(text)]));
  const aligned = table(rows)[Symbol.iterator]();
  const lines = [shown(title), shown(verdict)];
  for (const { heading, rows: own } of sections) {
    lines.push("", shown(heading));
    for (const _ of own) lines.push(aligned.next().value ?? "");
  }
  if (suggestions.length > 0) lines.push("", "What would change it");
  for (const [position, suggestion] of suggestions.entries()) lines.push("", ...suggestionLines(suggestion, position));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** What is to be pasted stands at the left edge, as it goes into the file. It is printable already, so that escaping it changes nothing. */
function suggestionLines({ text, outcome, edits }: DescribedSuggestion, position: number): readonly string[] {
  const blocks = edits.flatMap(({ where, yaml }) => [`# ${shown(where)}`, ...yaml.trimEnd().split("\n").map(printable)]);
  return [`${position + 1}. ${shown(text)} (${shown(outcome)})`, ...blocks];
}
