import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { DECISION_OUTCOMES } from "../../core/decision.ts";
import { type CommandLine, type CommonFlags, collect, common, type JsonFlags } from "../command-line.ts";
import { type LogFlags, showLog } from "../log.ts";
import { type LogProveFlags, printCheckpoint, printLogKeys, proveLog } from "../log-prove.ts";
import { type LogVerifyFlags, verifyDecisionLog } from "../log-verify.ts";

export function addLog(program: Command, line: CommandLine): void {
  const log = program.command("log").description("read, prove and verify the decision log");
  addReading(log, line);
  addProving(log, line);
}

function addReading(log: Command, { env, end }: CommandLine): void {
  const show = async (flags: CommonFlags & LogFlags): Promise<void> =>
    end(await showLog({ config: loadConfig({ env, flags }), now: Date.now(), print: printAll, signal: interrupted() }, flags));
  filtered(common(log.command("show")).description("print what was decided, and for whom, oldest first"))
    .option("--purl <purl>", "about this package, with or without a version; * stands for anything")
    .option("--after <position>", "that come after this one")
    .option("--limit <count>", "so many at most")
    .option("--follow", "go on with what is decided from now on")
    .option("--json", "print the entries as they are kept, one JSON object a line")
    .action(show);
  common(log.command("export"))
    .description("print every entry as it is kept, one JSON object a line, for other programs to take in")
    .option("--after <position>", "go on after the entry that was taken in last")
    .option("--limit <count>", "so many at most")
    .option("--follow", "go on with what is decided from now on")
    .option("--json", "the same: it prints nothing else")
    .action((flags: CommonFlags & LogFlags) => show({ ...flags, json: true }));
}

function addProving(log: Command, { env, print, end }: CommandLine): void {
  common(log.command("verify"))
    .description("recompute the log from its entries, and say what is not as it was signed")
    .option(
      "--checkpoint <file>",
      "a checkpoint that was kept elsewhere: nothing it covers was removed or changed since; may be repeated",
      collect,
    )
    .option("--key <vkey>", "by which given checkpoints and proofs must be signed (see `assay log key`); may be repeated", collect)
    .option("--proof <file>", "verify a file of `assay log prove` alone, without a data folder")
    .option("--json", "print JSON")
    .action(async (flags: CommonFlags & LogVerifyFlags) =>
      end(await verifyDecisionLog({ config: loadConfig({ env, flags }), print }, flags)),
    );
  common(log.command("checkpoint"))
    .description("sign and print what the log has come to; keep it elsewhere")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags) => end(await printCheckpoint({ config: loadConfig({ env, flags }), print }, flags.json === true)));
  common(log.command("key"))
    .description("print the keys that checkpoints are verified by, the one that signs first")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags) => end(await printLogKeys({ config: loadConfig({ env, flags }), print }, flags.json === true)));
  filtered(
    common(log.command("prove <purl>")).description("print the entries about a package, each with a proof that it stands in the log"),
  )
    .option("-o, --output <file>", "write them to this file")
    .option("--force", "replace a file that is there")
    .option("--json", "print JSON; the proofs are JSON in any case")
    .action(async (purl: string, flags: CommonFlags & LogProveFlags) =>
      end(await proveLog({ config: loadConfig({ env, flags }), print }, purl, flags)),
    );
}

function filtered(command: Command): Command {
  return command
    .option("--outcome <outcome>", `one of ${DECISION_OUTCOMES.join(", ")}`)
    .option("--repository <name>", "of this repository")
    .option("--since <time>", "from this time on: 2026-11-23T08:00Z, or how long ago: 2h, 7d")
    .option("--until <time>", "before this time");
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
