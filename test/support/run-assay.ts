import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface CommandRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A real `assay` command, as a process of its own. */
export function startCommand(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<CommandRun> } {
  const env = { ...process.env, ASSAY_TRUST: "{public: {tuf: off}}" };
  const child = spawn(process.execPath, ["src/main.ts", ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = new Promise<CommandRun>((resolve) => child.once("close", (code) => resolve({ code, out, err })));
  return { child, ended };
}
