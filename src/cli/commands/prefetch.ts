import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { createLog } from "../../app/log.ts";
import { closeOnSignal } from "../../app/shutdown.ts";
import { type CommandLine, type CommonFlags, collect, common } from "../command-line.ts";
import { type PrefetchFlags, prefetch } from "../prefetch.ts";

export function addPrefetch(program: Command, { env, print, warn, end }: CommandLine): void {
  common(program.command("prefetch"))
    .description("fetch, verify and keep everything that lock files name, so that it can be installed without a network")
    .argument("<lock...>", "lock files of pip, uv, Poetry, npm, pnpm and aam")
    .option("--python <version>", "keep wheels for this Python only, such as 3.12; may be repeated", collect)
    .option("--platform <tag>", "keep what runs on this platform only, such as manylinux_2_28_x86_64; may be repeated", collect)
    .option("--repository <name>", "ask this repository (default: one that holds an archive, else the first of its ecosystem)")
    .option("--jobs <number>", "archives fetched at once (default: 8)")
    .option("--json", "print JSON")
    .action(async (locks: readonly string[], flags: CommonFlags & PrefetchFlags) => {
      const interruption = new AbortController();
      // Never resolves where no signal comes. A second Ctrl-C ends the process at once, which costs no more than what was under way.
      void closeOnSignal(async () => {
        warn("\ninterrupted: waiting for what has begun; again ends at once\n");
        interruption.abort();
      }, createLog("error"));
      const { isTTY, columns } = process.stderr;
      const command = {
        config: loadConfig({ env, flags }),
        env,
        print,
        warn,
        isTerminal: isTTY === true,
        columns,
        interrupted: interruption.signal,
      };
      end(await prefetch(command, locks, flags));
    });
}
