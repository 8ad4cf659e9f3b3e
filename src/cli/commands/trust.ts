import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { showTrust, updateTrust } from "../trust.ts";

export function addTrust(program: Command, { env, print, end }: CommandLine): void {
  const trust = program.command("trust").description("look at what signatures are checked against, and refresh it");
  const given = (flags: JsonFlags) => ({ config: loadConfig({ env, flags }), env, now: Date.now(), json: flags.json === true, print });
  common(trust.command("show", { isDefault: true }))
    .description("show every root and key by name: from where, how fresh, valid when (what `assay trust` does alone)")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags) => end(await showTrust(given(flags))));
  common(trust.command("update"))
    .description("refresh from the TUF mirrors now")
    .argument("[name]", "a name under `trust` in the configuration, or public (default: all that have a mirror)")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, flags: JsonFlags) => end(await updateTrust(given(flags), name)));
}
