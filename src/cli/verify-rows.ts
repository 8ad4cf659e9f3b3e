import { AssayError } from "../core/errors.ts";
import type { UncoveredEntry } from "../core/lock-file.ts";
import { printable, shown } from "../core/printable.ts";
import type { Reason } from "../core/verdict.ts";
import type { Rechecked } from "../mirror/recheck.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";

/** What came of one thing that was to be verified. */
export interface VerifyRow {
  /** A purl where it has one; else foreign text. */
  readonly name: string;
  readonly outcome:
    | Rechecked
    | ({ readonly kind: "failed" } & Pick<AssayError, "code" | "message" | "help">)
    | ({ readonly kind: "uncovered" } & Pick<UncoveredEntry, "source" | "reason">);
}

/** What could not be done is a row like any other: the others are still looked at. */
export async function rowOf(name: string, work: () => Promise<Rechecked>): Promise<VerifyRow> {
  try {
    return { name, outcome: await work() };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return failedRow(name, error);
  }
}

export function failedRow(name: string, { code, message, help }: AssayError): VerifyRow {
  return { name, outcome: { kind: "failed", code, message, help } };
}

/** Ends with `uncovered` where something is that no mirror can speak for. */
export function exitOfRow({ outcome }: VerifyRow, uncovered: number): number {
  switch (outcome.kind) {
    case "verified":
      return EXIT_DONE;
    case "refused":
      return EXIT_REFUSED;
    case "failed":
      return exitCode(outcome.code);
    case "uncovered":
      return uncovered;
    default:
      return outcome satisfies never;
  }
}

const WORDS = { verified: "verified", refused: "refused", failed: "failed", uncovered: "not covered" } as const;

/** The heading of `rowText`. */
export const ROW_HEADING = columns("outcome", "level", "package");

/** A line, and further ones that say what is wrong: what was expected, what was found, what to do. All of it: two SHA-512 and who claims them are long. Nothing foreign can move the cursor or hide a line. */
export function rowText({ name, outcome }: VerifyRow): string {
  const level = "report" in outcome ? outcome.report.level.reached : "";
  const notes = notesOn(outcome).map((note) => columns("", "", `  ${printable(note)}`));
  return `${columns(WORDS[outcome.kind], level, shown(name))}${notes.join("")}`;
}

export function summaryText(rows: readonly VerifyRow[]): string {
  const { verified, refused, failed, uncovered } = summaryOf(rows);
  const parts = [
    `${verified} verified`,
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(failed === 0 ? [] : [`${failed} that could not be looked at`]),
    ...(uncovered === 0 ? [] : [`${uncovered} not covered`]),
  ];
  return `\n${rows.length} ${rows.length === 1 ? "package" : "packages"}: ${parts.join(", ")}\n`;
}

export function summaryOf(rows: readonly VerifyRow[]) {
  const count = (kind: keyof typeof WORDS): number => rows.filter(({ outcome }) => outcome.kind === kind).length;
  return { verified: count("verified"), refused: count("refused"), failed: count("failed"), uncovered: count("uncovered") };
}

/** Every key is always there; what is not known is null. */
export function rowJson({ name, outcome }: VerifyRow) {
  const report = "report" in outcome ? outcome.report : undefined;
  return {
    name,
    outcome: outcome.kind,
    digest: report ? `sha256:${report.digest}` : null,
    level: report?.level.reached ?? null,
    reasons: outcome.kind === "refused" ? outcome.reasons.map(reasonJson) : [],
    warnings: report?.verdict.kind === "admit" ? report.verdict.warnings.map(reasonJson) : [],
    error: outcome.kind === "failed" ? { code: outcome.code, message: outcome.message, help: outcome.help ?? null } : null,
    uncovered: outcome.kind === "uncovered" ? { source: outcome.source, reason: outcome.reason } : null,
  };
}

function reasonJson({ code, text, help }: Reason) {
  return { code, text, help };
}

function notesOn(outcome: VerifyRow["outcome"]): readonly string[] {
  switch (outcome.kind) {
    case "verified": {
      const { verdict } = outcome.report;
      return verdict.kind === "admit" ? verdict.warnings.map(({ code, text }) => `warning: ${code}: ${text}`) : [];
    }
    case "refused":
      return outcome.reasons.flatMap(({ code, text, help }) => [`${code}: ${text}`, help]);
    case "failed":
      return [`${outcome.message} [${outcome.code}]`, ...(outcome.help === undefined ? [] : [outcome.help])];
    case "uncovered":
      return [outcome.reason];
    default:
      return outcome satisfies never;
  }
}

/** Rows are written as they come, so no column can be measured first. */
function columns(outcome: string, level: string, name: string): string {
  return `${outcome.padEnd(13)}${level.padEnd(7)}${name}\n`;
}
