import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AirGap } from "../support/air-gap.ts";
import { noise, publishTarball } from "../support/fake-registry.ts";
import { startMirror } from "../support/mirror-bench.ts";
import { Random } from "../support/random.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KILLS = 12;
const PACKAGES = Array.from({ length: 12 }, (_, index) => `bulk-${index}`);
const PATHS = PACKAGES.map((name) => `/npm/${name}/-/${name}-1.0.0.tgz`);

let gap: AirGap;
let configFile: string;

beforeAll(async () => {
  gap = await AirGap.open();
  for (const [index, name] of PACKAGES.entries()) {
    publishTarball(gap.upstream, { name, files: { "package/noise.bin": noise(1024 * 1024, index + 1) } });
  }
  await gap.fetch(PATHS);
  configFile = join(gap.folder, "process-config.yaml");
  writeFileSync(configFile, gap.config);
}, 60_000);
afterAll(() => gap.close());

function command(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["src/main.ts", ...args, "--config", configFile], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
}

/** Whether it ended by itself; where not, it was killed after `ms`. */
async function runFor(ms: number, child: ChildProcess): Promise<{ readonly code: number | null }> {
  child.stdout?.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  clearTimeout(timer);
  return { code };
}

/** How long an undisturbed run takes on this machine now, so that kills fall over all of it. */
async function timed(child: ChildProcess): Promise<number> {
  const startedAt = performance.now();
  expect(await runFor(120_000, child)).toEqual({ code: 0 });
  return performance.now() - startedAt;
}

describe("kill -9", () => {
  test("at any point of an export: what was there stays, and the next run completes with the very same bytes", async () => {
    const chance = new Random(1);
    const folder = gap.folderFor("export");
    const output = join(folder, "all.tar");
    const run = (): ChildProcess => command("export", "--all", "--data", gap.sourceDir, "-o", output);
    const takesMs = await timed(run());
    const whole = readFileSync(output);
    for (let kill = 0; kill < KILLS; kill++) {
      await runFor(chance.below(takesMs), run());
      expect(readFileSync(output).equals(whole), `after kill ${kill}`).toBe(true);
    }
    expect(await runFor(120_000, run())).toEqual({ code: 0 });
    expect(readFileSync(output).equals(whole)).toBe(true);
    expect(readdirSync(folder)).toEqual(["all.tar"]);
  }, 300_000);

  test("at any point of an import: nothing is there in part, and the next run completes", async () => {
    const chance = new Random(2);
    const bundle = join(gap.folder, "to-import.tar");
    const { said } = await gap.export(bundle);
    const run = (data: string): ChildProcess => command("import", bundle, "--key", said.keyId, "--data", data);
    const takesMs = await timed(run(gap.folderFor("whole")));
    let data = gap.folderFor("killed");
    for (let kill = 0; kill < KILLS; kill++) {
      // A few kills into one folder, then an empty one: an import that goes on is as much of interest as one that begins.
      if (kill % 3 === 0) data = gap.folderFor("killed");
      await runFor(chance.below(takesMs), run(data));
      if (kill % 3 !== 2) continue;
      expect(await runFor(120_000, run(data))).toEqual({ code: 0 });
      const far = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
      for (const path of PATHS) expect([path, (await far.get(path)).status]).toEqual([path, 200]);
      await far.close();
    }
  }, 300_000);
});
