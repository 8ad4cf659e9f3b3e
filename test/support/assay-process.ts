import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface AssayProcess {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly dataDir: string;
  readonly pid: number;
  /** What it has logged so far, parsed. */
  log(): Record<string, unknown>[];
  /** Resident memory in MiB, now. */
  residentMiB(): number;
  /** Stops it as an operator would and waits; answers the exit code. The data folder stays. */
  stop(): Promise<number | null>;
  /** Stops it and removes its data folder. */
  discard(): Promise<void>;
  /** Ends it without a chance to tidy up. */
  kill(): Promise<void>;
}

/**
 * A real `assay serve` on a free port with a data folder of its own. `config` is the text of its configuration file.
 * Rejects with what it printed where it does not come up within 30 s.
 */
export async function startAssay(
  options: { config?: string; args?: readonly string[]; dataDir?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<AssayProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "assay-data-"));
  const args = ["src/main.ts", "serve", "--port", "0", "--data", dataDir, ...(options.args ?? [])];
  if (options.config !== undefined) {
    const file = join(dataDir, "test-config.yaml");
    writeFileSync(file, options.config);
    args.push("--config", file);
  }
  // The public TUF mirror is not on loopback.
  const env = { ...process.env, ASSAY_TRUST: "{public: {tuf: off}}", ...options.env };
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env });
  const output = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.err += text));
  const url = await readyUrl(child, output);
  return {
    url,
    dataDir,
    pid: child.pid ?? 0,
    log: () => parseLines(output.err),
    residentMiB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
    stop: () => end(child, "SIGTERM"),
    discard: async () => {
      await end(child, "SIGTERM");
      rmSync(dataDir, { recursive: true, force: true });
    },
    kill: async () => {
      await end(child, "SIGKILL");
    },
  };
}

function readyUrl(child: ChildProcess, output: { out: string; err: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`assay serve ${why}\n${output.out}\n${output.err}`));
    const timer = setTimeout(() => fail("did not come up within 30 s"), 30_000);
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stdout?.on("data", () => {
      const match = /http:\/\/\S+/.exec(output.out);
      if (!match) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve(match[0]);
    });
  });
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.kill(signal);
  });
}

function parseLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
