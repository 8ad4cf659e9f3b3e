import { execFile } from "node:child_process";
import { AssayError } from "../../core/errors.ts";
import { printableLine } from "../../core/printable-line.ts";

export interface IsolatedCommand {
  readonly command: string;
  /** Nothing of it may be read as an option that was not meant as one. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface IsolatedRun {
  readonly output: string;
  /** Whether it ran where there is no network. */
  readonly isCutOff: boolean;
}

/** Ways to a network of its own, which has nothing in it: as root, and as anybody where the kernel lets. unshare(1), util-linux. */
const CUTS: readonly (readonly string[])[] = [["--net"], ["--user", "--map-root-user", "--net"]];
const PROBE_MS = 10_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const SAID_CHARACTERS = 300;

/** Runs a program to its end, without a network where the kernel lets. Throws CONFIG_INVALID where there is no such program, UNPROCESSABLE where it fails or takes too long. */
export async function runIsolated(command: IsolatedCommand): Promise<IsolatedRun> {
  for (const cut of CUTS) {
    const probe = await run("unshare", [...cut, "--", "true"], { ...command, timeoutMs: PROBE_MS });
    if (!probe.error)
      return { output: await mustRun("unshare", [...cut, "--", command.command, ...command.args], command), isCutOff: true };
  }
  return { output: await mustRun(command.command, command.args, command), isCutOff: false };
}

/** Runs a program of ours to its end, with the network that this machine has. Throws as `runIsolated` does. */
export function runConnected(command: IsolatedCommand): Promise<string> {
  return mustRun(command.command, command.args, command);
}

async function mustRun(program: string, args: readonly string[], command: IsolatedCommand): Promise<string> {
  const { error, output, said } = await run(program, args, command);
  if (!error) return output;
  // 127: unshare did not find it.
  if (error.code === "ENOENT" || error.code === 127) {
    throw new AssayError("CONFIG_INVALID", `${command.command} could not be started`, {
      help: `install ${command.command}, or put it into PATH`,
    });
  }
  const why = error.killed ? `it did not finish within ${Math.round(command.timeoutMs / 1000)} s` : said;
  throw new AssayError("UNPROCESSABLE", `${command.command} ${command.args[0] ?? ""} failed: ${why}`);
}

interface Run {
  readonly error: { readonly code?: string | number | null | undefined; readonly killed?: boolean | undefined } | null;
  readonly output: string;
  /** The last that it said on standard error: one line of printable ASCII. */
  readonly said: string;
}

function run(
  program: string,
  args: readonly string[],
  { cwd, env, timeoutMs }: Pick<IsolatedCommand, "cwd" | "env" | "timeoutMs">,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = { cwd, env, timeout: timeoutMs, killSignal: "SIGKILL" as const, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(program, args, options, (error, output, said) => {
      const last = said.split("\n").findLast((line) => line.trim() !== "") ?? "";
      resolve({ error, output, said: printableLine(last, SAID_CHARACTERS) });
    });
    child.stdin?.end();
  });
}
