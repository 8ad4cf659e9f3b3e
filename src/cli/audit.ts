import type { Asker } from "../core/decision.ts";
import { AssayError, type ErrorCode } from "../core/errors.ts";
import { shown } from "../core/printable.ts";
import { LEVELS, type Level } from "../core/statement.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import type { Explainer } from "../mirror/explain.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import type { ReportCommand } from "./explain.ts";
import { findReports } from "./find-reports.ts";
import { exitOf, ReportPrinter, worseExit } from "./print-reports.ts";
import { withAssay } from "./with-assay.ts";

export interface AuditScope {
  readonly purls: readonly string[];
  /** Everything in the store that was admitted once. */
  readonly all: boolean;
  /** The level to ask for in place of what the policy asks for. */
  readonly level: Level | undefined;
}

interface Failure {
  readonly purl: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** An archive counts once, as the worst that it is. */
interface Summary {
  readonly archives: number;
  readonly asAsked: number;
  readonly below: number;
  readonly refused: number;
  readonly undecided: number;
  /** Purls of which nothing could be found out. */
  readonly failed: number;
}

/**
 * `assay audit --provenance PURL…|--all` (AAM specification 14.5): one line an archive, and a summary. Answers 2 where one is refused or below the level asked for;
 * else what failed, if something did. A purl that cannot be looked at ends nothing: the others are still audited. Throws USAGE where nothing or two things are named.
 */
export async function auditProvenance(command: ReportCommand, scope: AuditScope): Promise<number> {
  if (scope.all === scope.purls.length > 0) {
    throw new AssayError("USAGE", "expected either package URLs or --all", { help: "--all audits everything that was admitted once" });
  }
  return withAssay(command.config, command.env, async ({ explainer }) => {
    const printer = new ReportPrinter(command, (report) => rowText(report, askedOf(report, scope)));
    const tally = { archives: 0, asAsked: 0, below: 0, refused: 0, undecided: 0 };
    const failures: Failure[] = [];
    let exit = EXIT_DONE;
    if (!command.json) command.print(columns("verdict", "level", "asked", "archive"));
    for await (const { report, failure } of audited(explainer, command, scope)) {
      if (failure) {
        failures.push(failure);
        exit = worseExit(exit, exitCode(failure.code));
        continue;
      }
      const standing = standingOf(report, askedOf(report, scope));
      tally[standing]++;
      tally.archives++;
      exit = worseExit(exit, standing === "below" ? EXIT_REFUSED : exitOf(report));
      printer.add(report);
    }
    const summary = { ...tally, failed: failures.length };
    printer.end({ errors: failures, summary: { level: scope.level ?? null, ...summary } }, endText(summary, failures));
    return exit;
  });
}

type Audited =
  | { readonly report: ArtifactReport; readonly failure?: undefined }
  | { readonly report?: undefined; readonly failure: Failure };

/** Every report, and in the place of a purl that came to nothing why that is so. */
async function* audited(explainer: Explainer, { config, repository }: ReportCommand, { purls, all }: AuditScope): AsyncGenerator<Audited> {
  const asker: Asker = { kind: "command", command: "audit" };
  if (all) for await (const report of explainer.admitted()) yield { report };
  for (const purl of purls) {
    try {
      for await (const report of findReports(explainer, purl, { offline: config.offline, repository, asker })) yield { report };
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      yield { failure: { purl, code: error.code, message: error.message } };
    }
  }
}

function askedOf({ level }: ArtifactReport, scope: AuditScope): Level {
  return scope.level ?? level.required;
}

function standingOf({ verdict, level }: ArtifactReport, asked: Level): "asAsked" | "below" | "refused" | "undecided" {
  if (verdict.kind === "refuse") return "refused";
  if (verdict.kind === "undecided") return "undecided";
  return LEVELS.indexOf(level.reached) < LEVELS.indexOf(asked) ? "below" : "asAsked";
}

const WORDS = { asAsked: "admitted", below: "below", refused: "refused", undecided: "undecided" } as const;

/** A line, and a second one that says who signed it, or what is wrong. */
function rowText(report: ArtifactReport, asked: Level): string {
  const standing = standingOf(report, asked);
  const row = columns(WORDS[standing], report.level.reached, asked, shown(report.purl));
  return `${row}${columns("", "", "", `  ${shown(noteOn(report, standing))}`)}`;
}

function noteOn({ verdict, level, checks }: ArtifactReport, standing: keyof typeof WORDS): string {
  if (verdict.kind === "refuse") return verdict.reasons.map(({ code, text }) => `${code}: ${text}`).join("; ");
  if (verdict.kind === "undecided") return verdict.detail;
  if (standing === "below") return level.why;
  const signers = checks.flatMap(({ signer }) => {
    if (signer?.kind !== "sigstore") return signer?.kind === "openpgp" ? [`signed by the OpenPGP key ${signer.fingerprint}`] : [];
    const { repository = signer.identity.value, commit } = signer.source;
    return [`signed by ${repository}${commit === undefined ? "" : ` at ${commit.slice(0, 12)}`}`];
  });
  const signed = [...new Set(signers)].join(", ") || "nobody who made it has signed it";
  return level.reached === "L3" ? `${signed}; ${level.why}` : signed;
}

/** Columns as wide as their widest word: rows are written as they come, so none can be measured first. */
function columns(verdict: string, level: string, asked: string, archive: string): string {
  return `${verdict.padEnd(11)}${level.padEnd(7)}${asked.padEnd(7)}${archive}\n`;
}

function endText({ archives, asAsked, below, refused, undecided, failed }: Summary, failures: readonly Failure[]): string {
  const parts = [
    `${asAsked} as asked`,
    `${below} below`,
    `${refused} refused`,
    ...(undecided === 0 ? [] : [`${undecided} undecided`]),
    ...(failed === 0 ? [] : [`${failed} that could not be looked at`]),
  ];
  const errors = failures.map(({ purl, code, message }) => `${shown(purl)}: ${shown(message)} [${code}]\n`);
  return `${errors.length === 0 ? "" : `\n${errors.join("")}`}\n${archives} ${archives === 1 ? "archive" : "archives"}: ${parts.join(", ")}\n`;
}
