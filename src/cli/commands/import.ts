import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { type ImportFlags, importBundle } from "../import.ts";

export function addImport(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("import"))
    .description("verify a bundle again, with no network, and take in what the policy admits")
    .argument("<file...>", "the bundle's file, or all its parts in their order")
    .option(
      "--key <key>",
      "who may have signed it: a key's id as `assay keys show` prints it, or a file of public keys (can be repeated)",
      collect,
    )
    .option("--trust-on-import", "take a bundle of anybody, and say so")
    .option("--dry-run", "say what would be admitted, and keep nothing")
    .option("--json", "print JSON")
    .action(async (files: readonly string[], flags: ImportFlags & JsonFlags) => {
      end(await importBundle({ config: loadConfig({ env, flags }), env, print }, files, flags));
    });
}
