import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, type CommonFlags, common } from "../command-line.ts";
import { type StatsFlags, showStats } from "../stats.ts";

export function addStats(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("stats"))
    .description("say what was served, fetched and saved, how upstreams answered, and what was refused most")
    .option("--since <time>", "from this day on (UTC): 2026-11-23, or how long ago: 7d")
    .option("--repository <name>", "of this repository")
    .option("--top <count>", "so many upstreams and refused packages at most (default: 10)")
    .option("--json", "print JSON")
    .action(async (flags: CommonFlags & StatsFlags) =>
      end(await showStats({ config: loadConfig({ env, flags }), now: Date.now(), print }, flags)),
    );
}
