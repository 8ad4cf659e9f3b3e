import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { AssayError } from "../../../core/errors.ts";
import { printableLine } from "../../../core/printable-line.ts";

/** Code of somebody else's choosing. */
export interface ConfinedCommand {
  /** A program by its absolute path, and its arguments. It works in `CONFINED.source`, and leaves one file in `CONFINED.out`. */
  readonly command: readonly [string, ...string[]];
  /** The folder that it gets a copy of. */
  readonly source: string;
  /** A folder that it may read at `CONFINED.provided`. */
  readonly provided?: string;
  /** Absolute paths of files and folders that it may read at those paths, beside the system's own programs. Folders come first. */
  readonly readable: readonly string[];
  /** Its whole environment, with where it may write besides. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of our own, which it does not see. */
  readonly scratch: string;
  /** PATH, where the tools that confine it are looked for. */
  readonly searchPath: string;
  /** Where the file that it leaves is written, and how large it may be. */
  readonly into: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Where things are in the root that it sees. All of it is in memory. */
export const CONFINED = { source: "/job/source", provided: "/job/provided", out: "/job/out", home: "/job/home" } as const;

const CONFINE = fileURLToPath(new URL("confine.sh", import.meta.url));
/** mount and pivot_root are often not in the PATH of those who are not root. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const NAMESPACES = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"];
/** As anybody, where the kernel lets; else as root. */
const WAYS: readonly (readonly string[])[] = [["--user", "--map-root-user", ...NAMESPACES], NAMESPACES];
/** The copy of the source, and all that the command writes. */
const ROOT_SIZE = "1g";
const PROBE_MS = 30_000;
const MAX_SAID_BYTES = 16 * 1024 * 1024;
const SAID_BYTES_KEPT = 4096;
const SAID_CHARACTERS = 600;

/**
 * Runs foreign code to its end: without a network, without a view of this machine's files but the programs that it needs, with nothing to write to but memory that is gone afterwards, with every
 * process that it started ended. Throws CONFIG_INVALID where this system does not let it be confined so, and then nothing of it has run; UNPROCESSABLE where it fails, takes too long, says or makes
 * too much, or leaves no file.
 */
export async function runConfined(confined: ConfinedCommand): Promise<void> {
  const root = join(confined.scratch, "root");
  await mkdir(root);
  const way = await wayToConfine(confined, root);
  const run = await runOnce(commandLine(way, root, confined), confined);
  await rm(root, { recursive: true });
  if (run.failure !== undefined) throw new AssayError("UNPROCESSABLE", `the package's own code ${run.failure}`);
}

/** Tried with a command that is ours, so that foreign code never runs to find out what holds it. */
async function wayToConfine(confined: ConfinedCommand, root: string): Promise<readonly string[]> {
  const [source, into] = [join(confined.scratch, "empty"), join(confined.scratch, "probe")];
  await mkdir(source, { recursive: true });
  const probe = { ...confined, source, into, timeoutMs: PROBE_MS, command: ["/bin/sh", "-c", `: >${CONFINED.out}/file`] } as const;
  let why = "";
  for (const way of WAYS) {
    const { failure } = await runOnce(commandLine(way, root, probe), probe);
    await rm(into, { force: true });
    if (failure === undefined) return way;
    why = failure;
  }
  throw new AssayError("CONFIG_INVALID", `this system does not let the package's code be confined, so it was not run: the attempt ${why}`, {
    help: "it takes unshare, setpriv, prlimit and mount of util-linux, and a kernel that lets this account make user, mount, network and process namespaces",
  });
}

function commandLine(
  way: readonly string[],
  root: string,
  { source, provided = "", readable, env, command }: ConfinedCommand,
): readonly string[] {
  const places = { HOME: CONFINED.home, TMPDIR: "/tmp", LC_ALL: "C.UTF-8" };
  const variables = Object.entries({ ...places, ...env }).map(([name, value]) => `${name}=${value}`);
  const confine = ["sh", CONFINE, root, ROOT_SIZE, source, provided, ...readable, "--", "env", "-i", ...variables, ...command];
  // Dies with Assay; unshare takes all that it started with it.
  return ["--pdeathsig", "KILL", "--", "unshare", ...way, "--", ...confine];
}

interface Run {
  /** How it failed, as the end of a sentence; undefined where it did not. */
  readonly failure: string | undefined;
}

async function runOnce(args: readonly string[], { searchPath, into, maxBytes, timeoutMs }: ConfinedCommand): Promise<Run> {
  const env = { PATH: [searchPath, ...SYSTEM_FOLDERS].join(delimiter), LC_ALL: "C.UTF-8" };
  const child = spawn("setpriv", args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
  let stopped: string | undefined;
  const stop = (why: string): void => {
    stopped ??= why;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => stop(`did not finish within ${Math.ceil(timeoutMs / 1000)} s`), timeoutMs);
  try {
    const ended = endOf(child);
    const [, said, end] = await Promise.all([
      keep(child.stdout, into, maxBytes, () => stop(`made a file of more than ${maxBytes} bytes`)),
      lastSaid(child.stderr, () => stop(`printed more than ${MAX_SAID_BYTES} bytes`)),
      ended,
    ]);
    if (stopped !== undefined) return { failure: stopped };
    return { failure: end === 0 ? undefined : `failed: ${typeof end === "string" ? end : said || `exit code ${end}`}` };
  } finally {
    clearTimeout(timer);
    // Where what it made could not be written, it still runs.
    child.kill("SIGKILL");
  }
}

/** The exit code, or why there is none. */
function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number | string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(printableLine(error.message, SAID_CHARACTERS)));
    child.once("close", (code, signal) => resolve(code ?? `ended by ${signal ?? "nobody"}`));
  });
}

async function keep(stream: Readable, into: string, maxBytes: number, tooLarge: () => void): Promise<void> {
  await using file = await open(into, "wx", 0o600);
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) tooLarge();
    else await file.writeFile(chunk);
  }
}

/** The end of what it printed: one line of printable ASCII. */
async function lastSaid(stream: Readable, tooMuch: () => void): Promise<string> {
  let [bytes, last] = [0, Buffer.alloc(0)];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_SAID_BYTES) tooMuch();
    last = Buffer.concat([last, chunk]).subarray(-SAID_BYTES_KEPT);
  }
  return printableLine(last.toString("utf8"), SAID_BYTES_KEPT).slice(-SAID_CHARACTERS);
}
