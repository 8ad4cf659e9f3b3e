import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SIGHUP_BIT = 1n;

/** Whether a process has a handler for SIGHUP, as the kernel says. */
function catchesHangUp(pid: number): boolean {
  const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n;
}

function printed(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

test.skipIf(!existsSync("/proc/self/status"))("a hang-up before the mirror is up does not end it", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-hang-up-"));
  const env = { ...process.env, ASSAY_TRUST: "{public: {tuf: off}}", ASSAY_REPOSITORIES: "[{name: npm, ecosystem: npm, upstreams: []}]" };
  const child = spawn(process.execPath, ["src/main.ts", "serve", "--port", "0", "--data", dataDir], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const text = printed(child);
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) await ended;
    rmSync(dataDir, { recursive: true, force: true });
  });
  const pid = child.pid ?? 0;
  await expect.poll(() => catchesHangUp(pid), { timeout: 30_000, interval: 5 }).toBe(true);
  expect(text()).toBe("");
  child.kill("SIGHUP");
  await expect.poll(text, { timeout: 60_000 }).toContain("Assay is ready");
  child.kill("SIGHUP");
  const url = /http:\S+/.exec(text())?.[0] ?? "";
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});
