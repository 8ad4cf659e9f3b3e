import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { AssayError } from "../../core/errors.ts";
import { printableLine } from "../../core/printable-line.ts";

const MAX_ERROR_CHARACTERS = 8 * 1024;
const DEFAULT_OUTPUT_BYTES = 64 * 1024 * 1024;
const TOLD_CHARACTERS = 300;

export interface GitCommand {
  /** Absolute; the repository it works on. */
  readonly folder: string;
  /** Never made of text from outside that no function has parsed; what could be read as an option goes through `input`. */
  readonly args: readonly string[];
  /** From `gitEnvironment`. */
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Written to its standard input. */
  readonly input?: string;
  readonly maxOutputBytes?: number;
  /** Asked again and again while it runs; an error ends it and is thrown. */
  readonly watch?: () => Promise<AssayError | undefined>;
}

export interface GitRun {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly output: Buffer;
  /** The last that it said on standard error: one line of printable ASCII. */
  readonly said: string;
}

const WATCH_MS = 250;

/** Starts git, which is the leader of its own process group: its helpers end with it. Throws CONFIG_INVALID where there is no git. */
export async function startGit({
  folder,
  args,
  env,
  signal,
}: Pick<GitCommand, "folder" | "args" | "env" | "signal">): Promise<ChildProcess> {
  const child = spawn("git", [`--git-dir=${folder}`, ...args], { cwd: folder, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  // Who ends early closes its input: that is told by its exit code, not by the pipe.
  child.stdin.on("error", () => {});
  try {
    await once(child, "spawn");
    const end = (): void => endGit(child);
    signal?.addEventListener("abort", end);
    child.once("exit", () => signal?.removeEventListener("abort", end));
    if (signal?.aborted) end();
    return child;
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", "git could not be started, and `git:` of the configuration needs it", {
      help: "install git 2.32 or newer, or take `git` out of the configuration",
      cause: error,
    });
  }
}

/** Ends git and every process that it started. */
export function endGit(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of them have ended.
  }
}

/** Runs git to its end. Throws UPSTREAM_TIMEOUT, UPSTREAM_LIMIT past `maxOutputBytes`, what `watch` answers, and CONFIG_INVALID where there is no git. */
export async function runGit(command: GitCommand): Promise<GitRun> {
  const { timeoutMs, input = "", maxOutputBytes = DEFAULT_OUTPUT_BYTES, watch } = command;
  const child = await startGit(command);
  let stopped: AssayError | undefined;
  const stop = (error: AssayError): void => {
    stopped ??= error;
    endGit(child);
  };
  const seconds = Math.round(timeoutMs / 1000);
  const timer = setTimeout(() => stop(new AssayError("UPSTREAM_TIMEOUT", `git did not finish within ${seconds} s`)), timeoutMs);
  let watching = false;
  const watcher = setInterval(() => {
    if (!watch || watching) return;
    watching = true;
    watch().then(
      (error) => {
        watching = false;
        if (error) stop(error);
      },
      (error: unknown) => stop(new AssayError("STORE_IO", "the size of a repository could not be read", { cause: error })),
    );
  }, WATCH_MS);
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutputBytes) stop(new AssayError("UPSTREAM_LIMIT", `git printed more than ${maxOutputBytes} bytes`));
    else chunks.push(chunk);
  });
  const said = lastWords(child);
  child.stdin?.end(input);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    if (stopped) throw stopped;
    return { code, output: Buffer.concat(chunks), said: said() };
  } finally {
    clearTimeout(timer);
    clearInterval(watcher);
  }
}

/** Standard error as far as it is of use: its last line, since git says first what it does and last what went wrong. */
export function lastWords(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = `${text}${chunk}`.slice(-MAX_ERROR_CHARACTERS);
  });
  return () => printableLine(text.split("\n").findLast((line) => line.trim() !== "") ?? "", TOLD_CHARACTERS);
}
