import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { checkPolicy, explainPolicy } from "../policy.ts";

interface PolicyFlags extends JsonFlags {
  readonly repository?: string;
}

export function addPolicy(program: Command, { env, print, end }: CommandLine): void {
  const policy = program.command("policy").description("look at the policy");
  const given = (flags: PolicyFlags) => ({ config: loadConfig({ env, flags }), now: Date.now(), json: flags.json === true, print });
  common(policy.command("check"))
    .description("say what is wrong or dangerous in the policy")
    .option("--json", "print JSON")
    .action(async (flags: PolicyFlags) => end(await checkPolicy(given(flags))));
  common(policy.command("explain"))
    .description("say which rule holds for a package version, and why")
    .argument("<purl>", "package URL with a version")
    .option("--repository <name>", "repository it is asked of (default: the first of its ecosystem)")
    .option("--json", "print JSON")
    .action(async (purl: string, flags: PolicyFlags) => end(await explainPolicy(given(flags), purl, flags.repository)));
}
