import type { Config } from "../app/config.ts";
import type { Asker } from "../core/decision.ts";
import { type Description, describe, describeProvenance } from "../mirror/explain/describe.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import { EXIT_DONE } from "./exit.ts";
import { findReports } from "./find-reports.ts";
import { exitOf, type Printing, ReportPrinter, worseExit } from "./print-reports.ts";
import { reportText } from "./report-text.ts";
import { withAssay } from "./with-assay.ts";

export interface ReportCommand extends Printing {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly repository: string | undefined;
}

/** `assay explain PURL`: every check, every reason, and what would change the verdict. Answers 0, or 2 where one of what it names is refused. Throws like `findReports`. */
export function explain(command: ReportCommand, purl: string): Promise<number> {
  return report(command, "explain", purl, describe);
}

/** `assay inspect provenance PURL` (AAM specification 14.5): who signed it, what they say of how it was built, and what their certificates confirm. Ends like `explain`. */
export function inspectProvenance(command: ReportCommand, purl: string): Promise<number> {
  return report(command, "inspect", purl, describeProvenance);
}

function report(
  command: ReportCommand,
  name: "explain" | "inspect",
  purl: string,
  describeReport: (report: ArtifactReport) => Description,
): Promise<number> {
  const { config, env, repository } = command;
  return withAssay(config, env, async ({ explainer }) => {
    const asker: Asker = { kind: "command", command: name };
    let [exit, separator] = [EXIT_DONE, ""];
    const printer = new ReportPrinter(command, (each) => {
      const text = `${separator}${reportText(describeReport(each))}`;
      separator = "\n\n";
      return text;
    });
    for await (const each of findReports(explainer, purl, { offline: config.offline, repository, asker })) {
      printer.add(each);
      exit = worseExit(exit, exitOf(each));
    }
    printer.end({}, "");
    return exit;
  });
}
