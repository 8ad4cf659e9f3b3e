import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { DECISION_OUTCOMES } from "../../core/decision.ts";
import { type CommandLine, type CommonFlags, common } from "../command-line.ts";
import { type LogFlags, showLog } from "../log.ts";

export function addLog(program: Command, { env, end }: CommandLine): void {
  const log = program.command("log").description("look at the decision log");
  common(log.command("show"))
    .description("print what was decided, and for whom, oldest first")
    .option("--purl <purl>", "about this package, with or without a version")
    .option("--outcome <outcome>", `one of ${DECISION_OUTCOMES.join(", ")}`)
    .option("--since <time>", "from this time on: 2026-11-23T08:00Z, or how long ago: 2h, 7d")
    .option("--follow", "go on with what is decided from now on")
    .option("--json", "print the entries as they are kept, one JSON object a line")
    .action(async (flags: CommonFlags & LogFlags) => {
      end(await showLog({ config: loadConfig({ env, flags }), now: Date.now(), print: printAll, signal: interrupted() }, flags));
    });
}

/** Waits until standard output has taken it, or is closed: `interrupted` hears of that. */
function printAll(text: string): Promise<void> {
  return new Promise((resolve) => void process.stdout.write(text, () => resolve()));
}

/** Ctrl+C, or whoever reads our output has enough of it, as `head` has. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  process.stdout.on("error", () => controller.abort());
  return controller.signal;
}
