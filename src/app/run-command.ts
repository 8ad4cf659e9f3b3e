import { execFile } from "node:child_process";

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** What a program prints on standard output; undefined where it is not there, fails or takes too long. */
export type RunCommand = (command: string, args: readonly string[], options: CommandOptions) => Promise<string | undefined>;

const TIMEOUT_MS = 5_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

export const runCommand: RunCommand = (command, args, { env, cwd }) =>
  new Promise((resolve) => {
    const options = { env: { ...env }, cwd, timeout: TIMEOUT_MS, killSignal: "SIGKILL" as const, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(command, args, options, (error, stdout) => resolve(error ? undefined : stdout));
    child.stdin?.end();
  });
