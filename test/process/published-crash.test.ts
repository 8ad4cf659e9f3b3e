import { expect, onTestFinished, test } from "vitest";
import { buildAam } from "../support/archives.ts";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { addToken } from "../support/hosted-bench.ts";

const CONFIG = "repositories: [{name: skills, ecosystem: aam, type: hosted}]\n";
const VERSIONS = Array.from({ length: 60 }, (_, number) => `1.0.${number}`);
const archiveOf = (version: string): Buffer => buildAam({ name: "tool", version }).bytes;

/** Answers whether the registry said that it has it. */
async function publish(assay: AssayProcess, token: string, version: string): Promise<boolean> {
  const body = new FormData();
  body.append("archive", new Blob([new Uint8Array(archiveOf(version))]), "tool.aam");
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`${assay.url}/skills/packages`, { method: "POST", body, headers }).catch(() => undefined);
  return response?.status === 201 || response?.status === 200;
}

test("kill -9 in the middle of publishing loses nothing that was promised, and lists nothing without its bytes", async () => {
  const first = await startAssay({ config: CONFIG });
  onTestFinished(() => first.kill());
  const token = await addToken(first.dataDir);
  const promised: string[] = [];
  let begun = 0;
  const work = Promise.all(
    VERSIONS.map(async (version) => {
      begun++;
      if (await publish(first, token, version)) promised.push(version);
    }),
  );
  await expect.poll(() => promised.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(4);
  await first.kill();
  await work;
  expect(promised.length).toBeLessThan(begun);

  const second = await startAssay({ config: CONFIG, dataDir: first.dataDir });
  onTestFinished(() => second.discard());
  const { versions } = (await (await fetch(`${second.url}/skills/packages/tool`)).json()) as { versions: Record<string, unknown> };
  expect(Object.keys(versions)).toEqual(expect.arrayContaining(promised));
  for (const version of Object.keys(versions)) {
    const served = await fetch(`${second.url}/skills/packages/tool/${version}/tarball`);
    expect(Buffer.from(await served.arrayBuffer()).equals(archiveOf(version)), version).toBe(true);
  }
  // Whoever was cut off sends it again.
  expect(await publish(second, token, VERSIONS.at(-1) ?? "")).toBe(true);
  expect(await publish(second, token, promised[0] ?? "")).toBe(true);
}, 90_000);
