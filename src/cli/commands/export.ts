import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { type ExportFlags, exportBundle } from "../export.ts";

export function addExport(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("export"))
    .description("write what is held into one signed bundle, for an Assay without a network")
    .argument("[purl...]", "package URLs; without a version they mean all that is held")
    .option("--lock <file>", "everything that this lock file names (can be repeated)", collect)
    .option("--all", "everything that is held")
    .requiredOption("-o, --output <file>", "the bundle's file")
    .option("--split <size>", "write parts FILE.001, FILE.002, … of at most this size")
    .option("--since <file>", "an earlier bundle or its manifest: only what is new is carried")
    .option("--repository <name>", "look in this repository only")
    .option("--offline", "ask nobody for documents that are missing")
    .option("--json", "print JSON")
    .action(async (purls: readonly string[], flags: ExportFlags & JsonFlags) => {
      end(await exportBundle({ config: loadConfig({ env, flags }), env, print }, purls, flags));
    });
}
