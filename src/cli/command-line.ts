import type { Command } from "commander";

/** What every command is given: the environment, where its output goes, and whom to tell its exit code. */
export interface CommandLine {
  readonly env: NodeJS.ProcessEnv;
  /** To standard output. */
  readonly print: (text: string) => void;
  /** To standard error. */
  readonly warn: (text: string) => void;
  readonly end: (exitCode: number) => void;
}

export interface CommonFlags {
  readonly config?: string;
  readonly data?: string;
  readonly policy?: string;
}

export interface JsonFlags extends CommonFlags {
  readonly json?: true;
}

/** The options that every command with a configuration takes. */
export function common(command: Command): Command {
  return command
    .option("--config <file>", "configuration file (default: config/assay.yaml)")
    .option("--data <dir>", "data folder")
    .option("--policy <file>", "policy file");
}

/** For an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
