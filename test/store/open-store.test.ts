import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import { openStore, type Store } from "../../src/store/open-store.ts";
import { HEARTBEAT_FILE } from "../../src/store/quarantine-folder.ts";
import { filesUnder } from "./file-blobs-bench.ts";
import { recordingLog } from "./recording-log.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const WORKER = fileURLToPath(new URL("store-worker.ts", import.meta.url));

interface Worker {
  readonly process: ChildProcess;
  /** What it printed so far, after `ready`. */
  readonly lines: string[];
  /** Resolves when it printed one more line than were waited for before, or ended. */
  nextLine(): Promise<void>;
  /** Resolves when it ended, with its exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts a process on the data folder; answers once it has the store open. */
async function startWorker(dataDir: string, task: string, name = "worker"): Promise<Worker> {
  const child = spawn(process.execPath, [WORKER, dataDir, task, name], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = createInterface({ input: child.stdout });
  const ended = once(child, "close").then(([code]) => code as number | null);
  const lines: string[] = [];
  // From the very first on: the lines after `ready` may come in one piece with it.
  const ready = new Promise<void>((resolve) => output.on("line", (line) => (line === "ready" ? resolve() : lines.push(line))));
  await Promise.race([ready, ended]);
  let waitedFor = 0;
  const nextLine = async (): Promise<void> => {
    waitedFor++;
    const lives = (): boolean => child.exitCode === null && child.signalCode === null;
    while (lines.length < waitedFor && lives()) await Promise.race([once(output, "line"), ended]);
  };
  return { process: child, lines, nextLine, ended };
}

async function open(dataDir: string): Promise<Store> {
  const store = await openStore({ dataDir, clock: { now: () => Date.now() }, log: recordingLog().log });
  onTestFinished(async () => {
    await store.blobs.close();
    await store.index.close();
  });
  return store;
}

/** What must hold of a data folder at any moment. Answers the files that are admitted. */
async function checkConsistent(dataDir: string): Promise<readonly string[]> {
  const database = new Database(join(dataDir, "assay.db"));
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(database.pragma("foreign_key_check")).toEqual([]);
  database.close();
  for (const blob of await filesUnder(join(dataDir, "blobs-v1"))) {
    const bytes = readFileSync(join(dataDir, "blobs-v1", blob.slice(0, 2), blob));
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(blob);
  }
  const store = await open(dataDir);
  const admitted = await store.index.admitted("npm", "churn");
  for (const { digest, sizeBytes } of admitted) expect(await store.blobs.find(digest, sizeBytes)).toBeDefined();
  return admitted.map((admission) => admission.ref.file);
}

describe("kill -9", () => {
  test("while an archive arrives: nothing of it stays, and the next start cleans up", async () => {
    const dataDir = temporaryFolder();
    const worker = await startWorker(dataDir, "stall");
    await worker.nextLine();
    expect(worker.lines).toEqual(["stalled"]);
    const store = await open(dataDir);
    expect(await store.blobs.sweep()).toEqual({ removedFiles: 0, removedBytes: 0 }); // It lives.
    worker.process.kill("SIGKILL");
    await worker.ended;
    expect(await checkConsistent(dataDir)).toEqual([]);
    expect(await filesUnder(join(dataDir, "blobs-v1"))).toEqual([]);
    expect(await store.blobs.sweep()).toEqual({ removedFiles: 1, removedBytes: 1_500_000 });
    expect(readdirSync(join(dataDir, "tmp"))).toEqual([]);
  });

  test("at any moment: no row without its bytes, no bytes under a wrong name, nothing lost that was promised", {
    timeout: 60_000,
  }, async () => {
    const dataDir = temporaryFolder();
    const promised: string[] = [];
    for (let round = 0; round < 8; round++) {
      const worker = await startWorker(dataDir, "admit", `round${round}`);
      await worker.nextLine();
      await new Promise((resolve) => setTimeout(resolve, 7 + round * 23));
      worker.process.kill("SIGKILL");
      await worker.ended;
      promised.push(...worker.lines);
      expect(await checkConsistent(dataDir)).toEqual(expect.arrayContaining(promised));
    }
    expect(promised.length).toBeGreaterThanOrEqual(8);
    await (await open(dataDir)).blobs.sweep();
    expect((await filesUnder(join(dataDir, "tmp"))).filter((file) => file !== HEARTBEAT_FILE)).toEqual([]);
  });
});

describe("several processes", () => {
  test("each lease goes to one of them, and no count is lost", { timeout: 60_000 }, async () => {
    const dataDir = temporaryFolder();
    const workers = await Promise.all(["a", "b", "c"].map((name) => startWorker(dataDir, "fight", name)));
    expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0]);
    const taken = workers.flatMap((worker) => worker.lines).map(Number);
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, count) => count));
    const store = await open(dataDir);
    expect((await store.index.counters()).get("npm")).toMatchObject({ hits: 60 });
    expect(await store.index.admitted("npm", "churn")).toHaveLength(60);
  });

  test("that start together on a new folder all get it open", { timeout: 60_000 }, async () => {
    const dataDir = join(temporaryFolder(), "not", "there", "yet");
    const workers = await Promise.all(Array.from({ length: 3 }, () => startWorker(dataDir, "open")));
    expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0]);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  test("one admits while another reads: what it finds is always whole", { timeout: 60_000 }, async () => {
    const dataDir = temporaryFolder();
    const worker = await startWorker(dataDir, "admit", "writer");
    const store = await open(dataDir);
    for (let count = 0; count < 10; count++) {
      await worker.nextLine();
      const ref = { repository: "npm", ecosystem: "npm", name: "churn", version: "1.0.0", file: `writer-${count}.tgz` } as const;
      const admission = await store.index.admission(ref);
      expect(admission).toBeDefined();
      if (!admission) continue;
      const blob = await store.blobs.find(parseDigest(admission.digest), admission.sizeBytes);
      expect(blob).toBeDefined();
    }
    worker.process.kill("SIGKILL");
    await worker.ended;
  });
});
