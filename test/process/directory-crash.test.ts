import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type DirectoryBench, filesUnder, startDirectoryBench } from "../support/directory-bench.ts";
import { Random } from "../support/random.ts";
import { readDirectory } from "../support/read-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = Array.from({ length: 12 }, (_, position) => `package-${position}`);
const ROUNDS = 5;

function exportTo(bench: DirectoryBench): ChildProcess {
  const { dataDir } = bench.mirror;
  const args = ["src/main.ts", "export", "--aam-registry", bench.path, "--data", dataDir, "--config", join(dataDir, "test-config.yaml")];
  return spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ASSAY_TRUST: "{public: {tuf: off}}" }, stdio: "ignore" });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("exit", (code) => resolve(code)));

test("an export that is killed at any moment leaves a directory that can be read, and the next one ends it", {
  timeout: 240_000,
}, async () => {
  const bench = await startDirectoryBench();
  const random = new Random(20_261_123);
  for (const name of PACKAGES) bench.publish(name, [{ version: "1.0.0" }, { version: "1.1.0" }]);
  for (const name of PACKAGES) expect(await bench.fetch(`${name}@1.0.0`, `${name}@1.1.0`)).toEqual([200, 200]);
  const whole = exportTo(bench);
  expect(await ended(whole)).toBe(0);
  const files = filesUnder(bench.path);
  const packages = join(bench.path, "packages");
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(packages, { recursive: true });
    const child = exportTo(bench);
    const end = ended(child);
    await expect.poll(() => existsSync(packages), { timeout: 60_000, interval: 1 }).toBe(true);
    await delay(random.below(80));
    child.kill("SIGKILL");
    await end;
    expect((await readDirectory(bench.path)).problems).toEqual([]);
  }
  expect(await ended(exportTo(bench))).toBe(0);
  expect(filesUnder(bench.path)).toEqual(files);
});
