import { afterEach, expect, test } from "vitest";
import { WorkerPool } from "../../src/verify/worker-pool.ts";

const pools: WorkerPool<string, unknown>[] = [];

function poolOf(workers: number): WorkerPool<string, unknown> {
  const module = new URL("./workers/misbehaving.worker.ts", import.meta.url);
  const pool = new WorkerPool<string, unknown>({ module, workers, heapMegabytes: 32 });
  pools.push(pool);
  return pool;
}

afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

const PATIENT_MS = 15_000;

test.each([
  { job: "hang", timeoutMs: 200, cause: "time", detail: "the check did not end within 0.2 s" },
  { job: "throw", timeoutMs: PATIENT_MS, cause: "crash", detail: "the check crashed" },
  { job: "reject", timeoutMs: PATIENT_MS, cause: "crash", detail: "the check crashed" },
  { job: "exit", timeoutMs: PATIENT_MS, cause: "crash", detail: "the check crashed" },
  { job: "hoard", timeoutMs: PATIENT_MS, cause: "memory", detail: "the check ran out of memory" },
])("a job that makes its worker $job is lost, and nothing else", async ({ job, timeoutMs, cause, detail }) => {
  const pool = poolOf(1);
  const lost = pool.run(job, timeoutMs);
  const next = pool.run("next", PATIENT_MS);
  expect(await lost).toEqual({ kind: "lost", cause, detail });
  expect(await next).toEqual({ kind: "answered", answer: "next" });
  expect(await pool.run("later", PATIENT_MS)).toEqual({ kind: "answered", answer: "later" });
});

test("a job that hangs does not hold up the other worker", async () => {
  const pool = poolOf(2);
  const hanging = pool.run("hang", 1000);
  const answers = await Promise.all(["a", "b", "c"].map((job) => pool.run(job, PATIENT_MS)));
  expect(answers.map((result) => result.kind)).toEqual(["answered", "answered", "answered"]);
  expect((await hanging).kind).toBe("lost");
});

test("more jobs than workers wait their turn, and the wait does not count", async () => {
  const pool = poolOf(1);
  const jobs = Array.from({ length: 50 }, (_, index) => `${index}`);
  const answers = await Promise.all(jobs.map((job) => pool.run(job, PATIENT_MS)));
  expect(answers).toEqual(jobs.map((answer) => ({ kind: "answered", answer })));
  const slow = pool.run("hang", 600);
  const patient = pool.run("patient", 500);
  expect((await slow).kind).toBe("lost");
  expect(await patient).toEqual({ kind: "answered", answer: "patient" });
});

test("a worker sees nothing of our environment", async () => {
  expect(await poolOf(1).run("environment", PATIENT_MS)).toEqual({ kind: "answered", answer: 0 });
});

test("closing loses what runs and what waits, at once, and starts nothing more", async () => {
  const pool = poolOf(1);
  const running = pool.run("hang", PATIENT_MS);
  const waiting = pool.run("waiting", PATIENT_MS);
  await pool.close();
  const stopped = { kind: "lost", cause: "stopped", detail: "the check was stopped" };
  expect(await Promise.all([running, waiting, pool.run("late", PATIENT_MS)])).toEqual([stopped, stopped, stopped]);
});
