import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startAssay } from "../support/assay-process.ts";
import { mirrorConfig, publishTarball } from "../support/fake-registry.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { loggedDecisions } from "../support/logged-decisions.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROUNDS = 4;
const PACKAGES = 12;

test("a mirror that is killed while clients fetch leaves a log that goes on from every checkpoint it gave out", {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-killed-log-"));
  const upstream = await startFakeUpstream();
  onTestFinished(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const dataDir = mkdtempSync(join(folder, "data-"));
  const checkpoints: string[] = [];
  const answered: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const names = Array.from({ length: PACKAGES }, (_, number) => `demo-${round}-${number}`);
    const files = names.map((name) => ({ name, ...publishTarball(upstream, { name }) }));
    const assay = await startAssay({ config: mirrorConfig(upstream), dataDir });
    const enough = 1 + Math.floor(Math.random() * (PACKAGES - 2));
    let done = 0;
    await Promise.all(
      files.map(async ({ name, path }) => {
        const answer = await fetch(assay.url + path).catch(() => undefined);
        if (answer?.status !== 200 || (await answer.arrayBuffer().catch(() => undefined)) === undefined) return;
        answered.push(name);
        if (++done < enough) return;
        const note = await fetch(`${assay.url}/log/checkpoint`).catch(() => undefined);
        const text = note?.status === 200 ? await note.text().catch(() => undefined) : undefined;
        if (text !== undefined) checkpoints.push(text);
        await assay.kill();
      }),
    );
    await assay.kill();
  }
  const given = checkpoints.flatMap((note, number) => {
    const file = join(folder, `checkpoint-${number}`);
    writeFileSync(file, note);
    return ["--checkpoint", file];
  });
  expect(given.length).toBeGreaterThanOrEqual(2 * ROUNDS);
  const { code, out } = await assay("log", "verify", "--json", "--data", dataDir, ...given);
  expect(JSON.parse(out)).toMatchObject({ verified: true, findings: [] });
  expect(code).toBe(0);
  const logged = new Set((await loggedDecisions(dataDir)).map(({ entry }) => entry.purl));
  for (const name of answered) expect(logged).toContain(`pkg:npm/${name}@1.0.0`);
});

function assay(...args: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/main.ts", ...args], { cwd: ROOT }, (error, out) =>
      resolve({ code: error === null ? 0 : Number(error.code), out }),
    );
  });
}
