import { shown } from "../core/printable.ts";
import { LEVELS } from "../core/statement.ts";
import { AT_ODDS, type PlanReport, type PlanRow } from "./plan-report.ts";
import { table } from "./table.ts";

/** Names that anybody reads in one line; all of them are in the JSON. */
const MOST_NAMES = 12;

/** For a terminal: what it comes to, then what is refused and why, what is not known, what is let through, and who signs what. */
export function planText({ policy, artifacts, uncovered, unusable, signers, unsigned, summary }: PlanReport): string {
  const rows = (outcome: PlanRow["outcome"]): readonly PlanRow[] => artifacts.filter((row) => row.outcome === outcome);
  const mode = policy.mode === "audit" ? "in audit mode: what is refused below would be once it is enforced" : "enforced";
  const lines = [
    `${shown(policy.file)}, ${mode}`,
    summaryLine(summary),
    ...section("Refused", byRelease(rows("refused"))),
    ...section("At odds with the index", unusable.filter(({ code }) => code === AT_ODDS).map(unusableRow)),
    ...section("Not known yet", [...byRelease(rows("unknown")), ...unusable.filter(({ code }) => code !== AT_ODDS).map(unusableRow)]),
    ...section(
      "Not covered by a mirror",
      uncovered.map(({ name, reason }) => [shown(name), shown(reason)]),
    ),
    ...section("Admitted", admittedRows(rows("admitted"))),
    ...section("Signed by", signedRows(signers, unsigned)),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryLine({ archives, admitted, refused, unknown, uncovered, unusable, atOdds, leftOut }: PlanReport["summary"]): string {
  const parts = [
    `${refused} refused`,
    ...(atOdds === 0 ? [] : [`${atOdds} at odds with the index`]),
    ...(unknown + unusable - atOdds === 0 ? [] : [`${unknown + unusable - atOdds} not known yet`]),
    ...(uncovered === 0 ? [] : [`${uncovered} not covered`]),
    `${admitted} admitted`,
    ...(leftOut === 0 ? [] : [`${leftOut} left out`]),
  ];
  return `${archives} ${archives === 1 ? "archive" : "archives"}: ${parts.join(", ")}`;
}

function unusableRow({ lock, name, text }: PlanReport["unusable"][number]): readonly [string, string] {
  return [shown(name), shown(`${text} (${lock})`)];
}

function section(heading: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  return rows.length === 0 ? [] : ["", heading, ...table(rows.map(([name, text]) => [`  ${name}`, text]))];
}

/** One line for each reason of a release, with how many of its files it is about. */
function byRelease(rows: readonly PlanRow[]): readonly (readonly [string, string])[] {
  const files = new Map<string, { readonly release: string; readonly text: string; count: number }>();
  for (const { release, repository, reasons } of rows) {
    for (const { text } of reasons) {
      const key = JSON.stringify([repository, release, text]);
      const known = files.get(key) ?? { release, text, count: 0 };
      known.count++;
      files.set(key, known);
    }
  }
  return [...files.values()].map(({ release, text, count }) => [shown(release), `${shown(text)}${count === 1 ? "" : ` (${count} files)`}`]);
}

function admittedRows(rows: readonly PlanRow[]): readonly (readonly [string, string])[] {
  const levels = LEVELS.flatMap((level): readonly (readonly [string, string])[] => {
    const at = rows.filter((row) => row.level === level);
    return at.length === 0 ? [] : [[level, `${at.length}: ${named(at.map(({ release }) => release))}`]];
  }).reverse();
  const warned = Map.groupBy(
    rows.flatMap(({ release, warnings }) => warnings.map(({ code }) => ({ code, release }))),
    ({ code }) => code,
  );
  const warnings = [...warned].map(([code, which]): readonly [string, string] => [
    "warned",
    `${code}: ${named(which.map(({ release }) => release))}`,
  ]);
  return [...levels, ...warnings];
}

function signedRows(signers: PlanReport["signers"], unsigned: PlanReport["unsigned"]): readonly (readonly [string, string])[] {
  const rows = signers.map(({ signer, packages }): readonly [string, string] => [shown(signer), named(packages)]);
  return unsigned.length === 0 ? rows : [...rows, ["nobody", named(unsigned)]];
}

function named(names: readonly string[]): string {
  const different = [...new Set(names)];
  const more = different.length > MOST_NAMES ? ` and ${different.length - MOST_NAMES} more` : "";
  return `${different.slice(0, MOST_NAMES).map(shown).join(", ")}${more}`;
}
