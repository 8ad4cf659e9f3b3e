import type { Assay } from "../app/compose.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import { parsePurl } from "../core/purl.ts";
import { EXIT_DONE } from "./exit.ts";
import type { ReportCommand } from "./explain.ts";
import { findReports } from "./find-reports.ts";
import { worseExit } from "./print-reports.ts";
import { exitOfRow, failedRow, ROW_HEADING, rowJson, rowOf, rowText, summaryOf, summaryText, type VerifyRow } from "./verify-rows.ts";
import { withAssay } from "./with-assay.ts";

/**
 * `assay verify PURL…`: every archive that they name, by the road where it is not held, judged by the policy of now and read back from disk. Answers 0; 2 where one is
 * refused; else what failed, if something did.
 */
export function verifyPurls(command: ReportCommand, purls: readonly string[]): Promise<number> {
  const { config, env, json, print } = command;
  return withAssay(config, env, async (assay) => {
    const rows: VerifyRow[] = [];
    let exit = EXIT_DONE;
    if (!json) print(ROW_HEADING);
    for (const purl of purls) {
      for await (const row of rowsOf(purl, assay, command)) {
        rows.push(row);
        exit = worseExit(exit, exitOfRow(row, EXIT_DONE));
        if (!json) print(rowText(row));
      }
    }
    print(json ? `${JSON.stringify({ artifacts: rows.map(rowJson), summary: summaryOf(rows) }, null, 2)}\n` : summaryText(rows));
    return exit;
  });
}

/** What was known before is obtained again; what was fetched for this very question is only read back. */
async function* rowsOf(purl: string, { explainer, rechecker }: Assay, { config, repository }: ReportCommand): AsyncGenerator<VerifyRow> {
  const asker: Asker = { kind: "command", command: "verify" };
  try {
    let isKnown = false;
    for await (const report of explainer.known(parsePurl(purl), repository)) {
      isKnown = true;
      yield await rowOf(report.purl, () => rechecker.known(report, asker));
    }
    if (isKnown) return;
    for await (const report of findReports(explainer, purl, { offline: config.offline, repository, asker })) {
      yield await rowOf(report.purl, () => rechecker.reread(report));
    }
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    yield failedRow(purl, error);
  }
}
