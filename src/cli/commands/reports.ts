import { type Command, Option } from "commander";
import { loadConfig } from "../../app/config.ts";
import { AssayError } from "../../core/errors.ts";
import { LEVELS, type Level } from "../../core/statement.ts";
import { auditProvenance } from "../audit.ts";
import { auditReproducible } from "../audit-reproducible.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { explain, inspectProvenance, type ReportCommand } from "../explain.ts";

interface ReportFlags extends JsonFlags {
  readonly offline?: true;
  readonly repository?: string;
}

interface AuditFlags extends ReportFlags {
  readonly provenance?: true;
  readonly reproducible?: true;
  readonly all?: true;
  readonly runScripts?: true;
  readonly runBuildBackend?: true;
  readonly level?: Level;
}

/** What only looks at what is known. */
const ONLY_LOOKING = ["provenance", "all", "level"];

/** The commands that tell what is known of archives: `explain`, `inspect provenance` and `audit`. */
export function addReports(program: Command, { env, print, end }: CommandLine): void {
  const given = (flags: ReportFlags): ReportCommand => ({
    config: loadConfig({ env, flags }),
    env,
    print,
    json: flags.json === true,
    repository: flags.repository,
  });
  reporting(program.command("explain"))
    .description("say what was checked of an archive, what was decided and why, and what would change it")
    .argument("<purl>", "package URL; without a version or file name it means all that is held")
    .action(async (purl: string, flags: ReportFlags) => end(await explain(given(flags), purl)));
  reporting(program.command("inspect").description("look at what is known of an archive").command("provenance"))
    .description("show the verified provenance of an archive")
    .argument("<purl>", "package URL")
    .action(async (purl: string, flags: ReportFlags) => end(await inspectProvenance(given(flags), purl)));
  reporting(program.command("audit"))
    .description("say which archives are refused, or have less provenance than is asked for; or rebuild some from their source")
    .argument("[purl...]", "package URLs")
    .option("--provenance", "audit the provenance")
    .addOption(
      new Option("--reproducible", "rebuild from the source that the provenance names, compare, and keep what came of it").conflicts(
        ONLY_LOOKING,
      ),
    )
    .addOption(
      new Option(
        "--run-scripts",
        "with --reproducible: run the scripts of npm packages, which is running foreign code: confined, without a network, and not at all where this system does not let it be confined",
      ).conflicts(ONLY_LOOKING),
    )
    .addOption(
      new Option(
        "--run-build-backend",
        "with --reproducible: build sdists by the backend that their source names, which is running foreign code in the same way",
      ).conflicts(ONLY_LOOKING),
    )
    .option("--all", "everything that was admitted once")
    .addOption(new Option("--level <level>", "level to ask for (default: what the policy asks for)").choices(LEVELS))
    .action(async (purls: readonly string[], flags: AuditFlags) => {
      end(await audit(given(flags), purls, flags));
    });
}

function audit(command: ReportCommand, purls: readonly string[], flags: AuditFlags): Promise<number> {
  const asked = { scripts: flags.runScripts === true, buildBackend: flags.runBuildBackend === true };
  if (flags.reproducible) return auditReproducible(command, purls, asked);
  if (flags.provenance) return auditProvenance(command, { purls, all: flags.all === true, level: flags.level });
  throw new AssayError("USAGE", "expected either --provenance or --reproducible", {
    help: "--provenance says what is known, --reproducible rebuilds",
  });
}

function reporting(command: Command): Command {
  return common(command)
    .option("--repository <name>", "look in this repository only (default: all of the ecosystem; what is fetched, through the first)")
    .option("--offline", "ask nobody: tell of what is known")
    .option("--json", "print JSON");
}
