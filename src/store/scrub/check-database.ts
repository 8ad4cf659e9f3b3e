import { Worker } from "node:worker_threads";
import { AssayError } from "../../core/errors.ts";
import type { IndexFault } from "../../core/ports/scrub-records.ts";

/** Whether a database is sound, looked at in a thread of its own: its pages, its indexes, and that every reference leads somewhere. Throws STORE_CORRUPT where it cannot even be read. */
export function checkDatabase(path: string): Promise<readonly IndexFault[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./check-database.worker.ts", import.meta.url), { workerData: path, env: {}, argv: [] });
    worker.on("message", resolve);
    worker.on("error", (cause) =>
      reject(new AssayError("STORE_CORRUPT", "the index cannot be read", { help: "restore assay.db from a backup", cause })),
    );
    // After an answer this changes nothing.
    worker.on("exit", () => reject(new AssayError("INTERNAL", "the look at the index ended without an answer")));
  });
}
