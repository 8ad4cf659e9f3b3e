import type { Assay } from "../app/compose.ts";
import { differenceText } from "../app/rebuild/difference.ts";
import type { RebuildReport, RunsCode } from "../app/rebuild/rebuilder.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError, type ErrorCode } from "../core/errors.ts";
import { shown } from "../core/printable.ts";
import type { Level } from "../core/statement.ts";
import { startServer } from "../http/server.ts";
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

/** Which code of the packages may be run, confined. */
export interface CodeAsked {
  readonly scripts: boolean;
  readonly buildBackend: boolean;
}

const NO_CODE: CodeAsked = { scripts: false, buildBackend: false };

/** Differences that are printed; the number of all of them is printed too. */
const LINES_SHOWN = 200;
const MEMBERS_SHOWN = 10_000;

/**
 * `assay audit --reproducible PURL…` (AAM specification 14.5): makes each archive anew from the source that its verified provenance names, compares, and keeps what came of it. Answers 0 where all
 * reach L3 and are admitted, 2 where one does not, else what failed. Code of a package is run only where `asked`. A purl that cannot be looked at ends nothing. Throws USAGE where none is named.
 */
export async function auditReproducible(command: ReportCommand, purls: readonly string[], asked: CodeAsked = NO_CODE): Promise<number> {
  if (purls.length === 0)
    throw new AssayError("USAGE", "expected package URLs", { help: "each rebuild fetches a repository: name what is to be rebuilt" });
  return withAssay(command.config, command.env, (assay) => withIndex(assay, asked, (runs) => rebuildEach(assay, command, purls, runs)));
}

/** Where a build backend may be run, this Assay listens for as long: what the backend requires comes down the same road as everything else. */
async function withIndex(assay: Assay, { scripts, buildBackend }: CodeAsked, work: (runs: RunsCode) => Promise<number>): Promise<number> {
  if (!buildBackend) return work({ scripts, buildBackend: undefined });
  // Its pages must lead back to it, not to where the mirror is published.
  const server = await startServer({ ...assay.http, publicUrl: undefined }, { host: "127.0.0.1", port: 0 });
  try {
    return await work({ scripts, buildBackend: (repository) => `${server.address}/${repository}/simple/` });
  } finally {
    await server.close(0);
  }
}

async function rebuildEach(assay: Assay, command: ReportCommand, purls: readonly string[], runs: RunsCode): Promise<number> {
  const rebuilds: Rebuilt[] = [];
  const failures: Failure[] = [];
  const texts = new Map<ArtifactReport, string>();
  const printer = new ReportPrinter(command, (report) => texts.get(report) ?? "");
  let exit = EXIT_DONE;
  for (const purl of purls) {
    for await (const outcome of rebuildAll(assay, command, purl, runs)) {
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
}

async function* rebuildAll(
  assay: Assay,
  { config, repository }: ReportCommand,
  purl: string,
  runs: RunsCode,
): AsyncGenerator<Rebuilt | Failure> {
  const asker: Asker = { kind: "command", command: "audit" };
  try {
    const reports = await Array.fromAsync(findReports(assay.explainer, purl, { offline: config.offline, repository, asker }));
    for (const report of reports) yield await rebuildOne(assay, report, asker, runs).catch((error: unknown) => failure(report.purl, error));
  } catch (error) {
    yield failure(purl, error);
  }
}

async function rebuildOne(
  { rebuilder, rebuilds, explainer }: Assay,
  report: ArtifactReport,
  asker: Asker,
  runs: RunsCode,
): Promise<Rebuilt> {
  const found = await rebuilder.rebuild(report, runs);
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
