import { Command, CommanderError } from "commander";
import { AssayError } from "../core/errors.ts";
import type { CommandLine } from "./command-line.ts";
import { addCache } from "./commands/cache.ts";
import { addExport } from "./commands/export.ts";
import { addImport } from "./commands/import.ts";
import { addKeys } from "./commands/keys.ts";
import { addLog } from "./commands/log.ts";
import { addPack } from "./commands/pack.ts";
import { addPlan } from "./commands/plan.ts";
import { addPolicy } from "./commands/policy.ts";
import { addPrefetch } from "./commands/prefetch.ts";
import { addPublish } from "./commands/publish.ts";
import { addReports } from "./commands/reports.ts";
import { addServe } from "./commands/serve.ts";
import { addSetup } from "./commands/setup.ts";
import { addStats } from "./commands/stats.ts";
import { addToken } from "./commands/token.ts";
import { addTrust } from "./commands/trust.ts";
import { addVerify } from "./commands/verify.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";

/** In the order in which `assay --help` shows them. */
const COMMANDS = [
  addServe,
  addPolicy,
  addLog,
  addStats,
  addKeys,
  addSetup,
  addToken,
  addReports,
  addPlan,
  addExport,
  addImport,
  addPrefetch,
  addPack,
  addPublish,
  addTrust,
  addVerify,
  addCache,
];

/** All commands, none of which runs yet. */
export function createProgram(line: CommandLine): Command {
  const program = new Command("assay").description("A mirror that checks before it serves.").exitOverride();
  for (const add of COMMANDS) add(program, line);
  return program;
}

/** Runs one command and answers the exit code. Never throws: what went wrong is on standard error, with the next step. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let exit = EXIT_DONE;
  const line: CommandLine = {
    env,
    print: (text) => void process.stdout.write(text),
    warn: (text) => void process.stderr.write(text),
    end: (code) => {
      exit = code;
    },
  };
  try {
    await createProgram(line).parseAsync([...argv], { from: "user" });
    return exit;
  } catch (error) {
    return tell(error);
  }
}

function tell(error: unknown): number {
  // Commander has printed its own message already; asking for help is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : exitCode("USAGE");
  if (error instanceof AssayError) {
    process.stderr.write(`assay: ${error.message}${error.help ? `\n  ${error.help}` : ""}\n`);
    return exitCode(error.code);
  }
  process.stderr.write(`assay: unexpected error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCode("INTERNAL");
}
