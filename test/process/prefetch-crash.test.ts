import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { mirrorConfig, noise, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { Random } from "../support/random.ts";
import { type CommandRun, startCommand } from "../support/run-assay.ts";
import { expectSoundStore } from "../support/sound-store.ts";

const KILLS = 12;
/** Kills into one data folder before a run may finish in it. */
const KILLS_EACH = 4;
const SEED = 20_261_123;
const NAMES = Array.from({ length: 10 }, (_, index) => `bulk-${index}`);
/** Some larger than what is withheld from clients. */
const sizeOf = (index: number): number => (index % 5 === 0 ? 9_000_000 : 300_000);

/** Its exit code is null where it did not end within `ms` and was killed. */
async function runFor(ms: number, { child, ended }: ReturnType<typeof startCommand>): Promise<CommandRun> {
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  const run = await ended;
  clearTimeout(timer);
  return run;
}

test("kill -9 at any point of a prefetch: what was admitted stays, the log can be proved, and the next run completes with the rest", async () => {
  const upstream = await startFakeUpstream();
  const folder = mkdtempSync(join(tmpdir(), "assay-prefetch-crash-"));
  onTestFinished(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [config, requirements, packageLock] = ["assay.yaml", "requirements.txt", "package-lock.json"].map((file) => join(folder, file));
  writeFileSync(config ?? "", mirrorConfig(upstream));
  const wheels = NAMES.map((name, index) => publishWheel(upstream, { name, files: { "bulk/noise.bin": noise(sizeOf(index), index) } }));
  const tarballs = NAMES.map((name, index) =>
    publishTarball(upstream, { name, files: { "package/noise.bin": noise(sizeOf(index), index + NAMES.length) } }),
  );
  const digest = (bytes: Buffer, algorithm: string, encoding: "hex" | "base64"): string =>
    createHash(algorithm).update(bytes).digest(encoding);
  writeFileSync(
    requirements ?? "",
    wheels.map(({ bytes }, index) => `${NAMES[index]}==1.0.0 --hash=sha256:${digest(bytes, "sha256", "hex")}\n`).join(""),
  );
  const packages = tarballs.map(({ bytes }, index) => [
    `node_modules/${NAMES[index]}`,
    { version: "1.0.0", integrity: `sha512-${digest(bytes, "sha512", "base64")}` },
  ]);
  writeFileSync(packageLock ?? "", JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(packages) }));
  const assay = (data: string, ...args: readonly (string | undefined)[]) =>
    startCommand([...args.map(String), "--config", String(config), "--data", data]);
  const prefetch = (data: string) => assay(data, "prefetch", requirements, packageLock);

  const startedAt = performance.now();
  const whole = await runFor(120_000, prefetch(join(folder, "whole")));
  const takesMs = performance.now() - startedAt;
  expect(whole).toMatchObject({ code: 0, out: expect.stringContaining("20 archives: 20 admitted, 0 already here") });

  const chance = new Random(SEED);
  let cutShort = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const data = join(folder, `killed-${Math.floor(kill / KILLS_EACH)}`);
    const before = expectSoundStore(data);
    const { code } = await runFor(chance.below(takesMs), prefetch(data));
    if (code === null) cutShort++;
    const after = expectSoundStore(data);
    for (const held of before) expect(after).toContain(held);
    if (kill % KILLS_EACH < KILLS_EACH - 1) continue;
    const requestsBefore = upstream.requests.length;
    expect(await runFor(120_000, prefetch(data))).toMatchObject({
      code: 0,
      out: expect.stringContaining(`20 archives: ${20 - after.size} admitted, ${after.size} already here`),
    });
    const fetched = upstream.requests.slice(requestsBefore).filter(({ path }) => /\.(?:whl|tgz)$/.test(path));
    expect(fetched).toHaveLength(20 - after.size);
    expect(expectSoundStore(data).size).toBe(20);
    expect((await runFor(60_000, assay(data, "log", "verify"))).code).toBe(0);
  }
  expect(cutShort).toBeGreaterThan(KILLS / 2);
}, 300_000);
