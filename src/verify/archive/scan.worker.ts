import { parentPort } from "node:worker_threads";
import { scan } from "./scan.ts";
import type { ScanJob } from "./scan-report.ts";

// One job at a time: the pool sends the next one only after the answer. A bug rejects, which ends the worker; the pool then starts another.
parentPort?.on("message", async (job: ScanJob) => {
  parentPort?.postMessage(await scan(job));
});
