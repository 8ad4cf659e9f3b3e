import { AssayError } from "../core/errors.ts";
import { type Checked, found, passed } from "../core/finding.ts";
import type { Limits } from "../core/limits.ts";
import type { QuarantinedBlob } from "../core/ports/blob-store.ts";
import type { ArchiveFormat, Manifest } from "../core/ports/ecosystem.ts";
import type { ScanJob, ScanReport } from "./archive/scan-report.ts";
import { WorkerPool } from "./worker-pool.ts";

const WORKERS = 1;
const WORKER_HEAP_MEGABYTES = 768;
const RETRY_SECONDS = 10;

/**
 * Reads the manifests of an archive whose name nobody has said yet: it is in them. By the same scan, within the same limits, that every archive goes through again
 * once its name is known. Close it when done.
 */
export class ManifestReader {
  readonly #limits: Limits;
  readonly #pool: WorkerPool<ScanJob, ScanReport>;

  constructor({ limits }: { readonly limits: Limits }) {
    this.#limits = limits;
    this.#pool = new WorkerPool({
      module: new URL("./archive/scan.worker.ts", import.meta.url),
      workers: WORKERS,
      heapMegabytes: WORKER_HEAP_MEGABYTES,
    });
  }

  /** Throws STORE_IO where the quarantined file cannot be read, BUSY where the scan did not come to an end. */
  async read(file: Pick<QuarantinedBlob, "path">, format: ArchiveFormat): Promise<Checked<readonly Manifest[]>> {
    const result = await this.#pool.run({ path: file.path, format, limits: this.#limits }, this.#limits.verifySeconds * 1000);
    if (result.kind === "lost") {
      throw new AssayError("BUSY", `the archive could not be read: ${result.detail}`, { retryAfterSeconds: RETRY_SECONDS });
    }
    const report = result.answer;
    switch (report.kind) {
      case "sound":
        return passed(report.manifests.map(({ path, body }) => ({ path, body: Buffer.from(body) })));
      case "unsound":
        return found(report.code, report.detail);
      case "unreadable":
        throw new AssayError("STORE_IO", "an archive in quarantine could not be read", { cause: new Error(report.detail) });
      default:
        return report satisfies never;
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
