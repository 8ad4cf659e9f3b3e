import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type GitServer, runGitClient, startGitServer } from "../support/git-server.ts";

let server: GitServer;
let folder: string;
const running: AssayProcess[] = [];

beforeEach(async () => {
  server = await startGitServer();
  folder = mkdtempSync(join(tmpdir(), "assay-git-process-"));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((assay) => assay.kill()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(more = ""): Promise<AssayProcess> {
  const config = `repositories: []\n${more}git: {hosts: [{host: git.example, url: "${server.origin}/"}]}\n`;
  const assay = await startAssay({ config, dataDir: folder });
  running.push(assay);
  return assay;
}

const urlOf = (assay: AssayProcess): string => `${assay.url}/git/git.example/acme/tool`;

function quarantine(): readonly string[] {
  const path = join(folder, "git", "tmp");
  return existsSync(path) ? readdirSync(path) : [];
}

test("when the process that fetches is killed, another takes over at once and removes what it left", { timeout: 120_000 }, async () => {
  const commit = server.repository("acme/tool").commit("one");
  const [first, second] = [await start(), await start()];
  let stalled = 0;
  server.answerInstead((incoming, response) => {
    if (incoming.method === "GET") server.answer(incoming, response);
    else stalled++;
  });
  const doomed = fetch(`${urlOf(first)}/info/refs?service=git-upload-pack`).catch(() => undefined);
  await expect.poll(() => stalled, { timeout: 30_000 }).toBe(1);
  expect(quarantine()).toHaveLength(1);
  await first.kill();
  expect(await doomed).toBeUndefined();
  server.answerInstead(undefined);
  const clone = join(folder, "clone");
  expect(await runGitClient(folder, ["clone", urlOf(second), clone])).toMatchObject({ code: 0 });
  expect((await runGitClient(clone, ["rev-parse", "HEAD"])).output).toContain(commit);
  expect(quarantine()).toEqual([]);
});

test("a client that leaves takes its git process with it", { timeout: 120_000 }, async () => {
  const commit = server.repository("acme/tool").commit(randomBytes(16_000_000).toString("base64"));
  const assay = await start("limits: {git_processes: 1}\n");
  expect((await fetch(`${urlOf(assay)}/info/refs?service=git-upload-pack`)).status).toBe(200);
  for (const _ of ["the first", "the second, whose turn comes when the first has left"]) {
    await new Promise<void>((resolve, reject) => {
      const asked = request(`${urlOf(assay)}/git-upload-pack`, {
        method: "POST",
        headers: { "Content-Type": "application/x-git-upload-pack-request" },
      });
      // Read a little, then go: what is left does not fit into the buffers between us and git.
      asked.on("response", (response) => response.once("data", () => resolve(void asked.destroy())));
      asked.on("error", reject);
      asked.end(`0032want ${commit}\n00000009done\n`);
    });
  }
  expect(await runGitClient(folder, ["clone", urlOf(assay), join(folder, "clone")])).toMatchObject({ code: 0 });
});
