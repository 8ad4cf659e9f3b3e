import type { Assay } from "../app/compose.ts";
import { differenceText } from "../app/rebuild/difference.ts";
import type { RebuildReport } from "../app/rebuild/rebuilder.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError, type ErrorCode } from "../core/errors.ts";
import { shown } from "../core/printable.ts";
import type { Level } from "../core/statement.ts";
import { rebuildRows, resultText } from "../mirror/explain/describe-rebuild.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import type { ReportCommand } from "./explain.ts";
import { findReports } from "./find-reports.ts";
import { exitOf, ReportPrinter, worseExit } from "./print-reports.ts";
import { reportText } from "./report-text.ts";
import { withAssay } from "./with-assay.ts";

interface Failure {
  readonly purl: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly help: string | null;
}

/** One archive before and after it was rebuilt. */
interface Rebuilt extends RebuildReport {
  readonly before: Level;
  readonly after: ArtifactReport;
}

/** Differences that are printed; the number of all of them is printed too. */
const LINES_SHOWN = 200;
const MEMBERS_SHOWN = 10_000;

/**
 * `assay audit --reproducible PURL…` (AAM specification 14.5): makes each archive anew from the source that its verified provenance names, compares, and keeps what came of it. Answers 0 where all
 * reach L3 and are admitted, 2 where one does not, else what failed. A purl that cannot be looked at ends nothing. Throws USAGE where none is named.
 */
export async function auditReproducible(command: ReportCommand, purls: readonly string[]): Promise<number> {
  if (purls.length === 0)
    throw new AssayError("USAGE", "expected package URLs", { help: "each rebuild fetches a repository: name what is to be rebuilt" });
  return withAssay(command.config, command.env, async (assay) => {
    const rebuilds: Rebuilt[] = [];
    const failures: Failure[] = [];
    const texts = new Map<ArtifactReport, string>();
    const printer = new ReportPrinter(command, (report) => texts.get(report) ?? "");
    let exit = EXIT_DONE;
    for (const purl of purls) {
      for await (const outcome of rebuildAll(assay, command, purl)) {
        if ("code" in outcome) {
          failures.push(outcome);
          exit = worseExit(exit, exitCode(outcome.code));
          continue;
        }
        const { after } = outcome;
        exit = worseExit(exit, after.level.reached === "L3" ? exitOf(after) : EXIT_REFUSED);
        texts.set(after, `${rebuilds.length === 0 ? "" : "\n"}${rebuiltText(outcome)}`);
        rebuilds.push(outcome);
        printer.add(after);
      }
    }
    const summary = { archives: rebuilds.length, ...tally(rebuilds), failed: failures.length };
    printer.end({ rebuilds: rebuilds.map(member), errors: failures, summary }, failures.map(failureText).join(""));
    return exit;
  });
}

async function* rebuildAll(assay: Assay, { config, repository }: ReportCommand, purl: string): AsyncGenerator<Rebuilt | Failure> {
  const asker: Asker = { kind: "command", command: "audit" };
  try {
    const reports = await Array.fromAsync(findReports(assay.explainer, purl, { offline: config.offline, repository, asker }));
    for (const report of reports) yield await rebuildOne(assay, report, asker).catch((error: unknown) => failure(report.purl, error));
  } catch (error) {
    yield failure(purl, error);
  }
}

async function rebuildOne({ rebuilder, rebuilds, explainer }: Assay, report: ArtifactReport, asker: Asker): Promise<Rebuilt> {
  const found = await rebuilder.rebuild(report);
  await rebuilds.record(report.ref, found.rebuild, asker);
  for await (const after of explainer.known(report.ref, report.ref.repository)) return { ...found, before: report.level.reached, after };
  throw new AssayError("INTERNAL", `nothing is known of ${report.purl} after it was rebuilt`);
}

function failure(purl: string, error: unknown): Failure {
  if (!(error instanceof AssayError)) throw error;
  return { purl, code: error.code, message: error.message, help: error.help ?? null };
}

function tally(rebuilds: readonly Rebuilt[]): Readonly<Record<"identical" | "sameContents" | "differs", number>> {
  const count = (result: string): number => rebuilds.filter(({ rebuild }) => rebuild.result === result).length;
  return { identical: count("identical"), sameContents: count("same-contents"), differs: count("differs") };
}

function rebuiltText({ rebuild, before, after, differences }: Rebuilt): string {
  const { reached, why } = after.level;
  const shownDifferences = { differences: differences.slice(0, LINES_SHOWN).map(differenceText), count: rebuild.differencesCount };
  return reportText({
    title: after.purl,
    verdict: resultText(rebuild.result),
    sections: [
      {
        heading: "Level",
        rows: [
          ["before", before],
          ["now", `${reached}: ${why}`],
          ["verdict", after.verdict.kind],
        ],
      },
      { heading: "Rebuild", rows: rebuildRows(rebuild, shownDifferences) },
    ],
    suggestions: [],
  });
}

function member({ rebuild, before, after, differences, ref }: Rebuilt): unknown {
  const { source, builder, result, notes, published, rebuilt, publishedListing, rebuiltListing, differencesCount } = rebuild;
  return {
    purl: after.purl,
    result,
    level: { before, after: after.level.reached },
    source: { ...source, ref: ref ?? null },
    builder,
    published: { sha256: published, listingSha256: publishedListing ?? null },
    rebuilt: { sha256: rebuilt ?? null, listingSha256: rebuiltListing ?? null },
    differences: differences.slice(0, MEMBERS_SHOWN),
    differencesCount,
    notes,
  };
}

function failureText({ purl, code, message, help }: Failure): string {
  return `\n${shown(purl)}: ${shown(message)} [${code}]\n${help === null ? "" : `  ${shown(help)}\n`}`;
}
