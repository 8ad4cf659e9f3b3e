import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { noteKeyOf } from "../../../src/core/tlog/note-key.ts";
import { verifyLog } from "../../../src/mirror/log/verify-log.ts";
import { FileKeys } from "../../../src/store/keys/file-keys.ts";
import { SqliteDecisionTree } from "../../../src/store/log/sqlite-decision-tree.ts";
import { dataFolder } from "../parts.ts";

const WORKER = fileURLToPath(new URL("log-worker.ts", import.meta.url));
const ROUNDS = 10;
const WORKERS = 3;
const MOST_LINES = 40;

/** Lets a process write until it has promised so much, and kills it in the middle of what it does then. Answers what it promised. */
function workUntilKilled(dataDir: string, name: string, lines: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [WORKER, dataDir, name], { stdio: ["ignore", "pipe", "inherit"] });
  const promised: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => {
    promised.push(line);
    if (promised.length === lines) child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => (signal === "SIGKILL" ? resolve(promised) : reject(new Error(`a worker ended with ${code}`))));
  });
}

test("processes that are killed at any point leave a log that is whole, with everything that they promised", {
  timeout: 300_000,
}, async () => {
  const dataDir = dataFolder();
  const promised: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const workers = Array.from({ length: WORKERS }, (_, worker) =>
      workUntilKilled(dataDir, `w${round}-${worker}`, 1 + Math.floor(Math.random() * MOST_LINES)),
    );
    promised.push(...(await Promise.all(workers)).flat());
  }
  const tree = await SqliteDecisionTree.open({ dataDir });
  try {
    const published = await new FileKeys({ dataDir, clock: { now: Date.now } }).published();
    const keysAs = (origin: string) => published.map(({ pem }) => noteKeyOf(origin, pem));
    const report = await verifyLog({ tree, keysAs, given: [], givenKeys: [] });
    expect(report.findings).toEqual([]);
    const written = new Set((await tree.entries(0, 100_000)).map(({ name }) => name));
    expect(written.size).toBe(report.entries);
    for (const line of promised) {
      const [kind, what = "", root] = line.split(" ");
      if (kind === "entry") expect(written.has(what)).toBe(true);
      else expect((await tree.root(Number(what))).toString("hex")).toBe(root);
    }
    expect(promised.length).toBeGreaterThanOrEqual(ROUNDS * WORKERS);
  } finally {
    await tree.close();
  }
});
