import { createHash } from "node:crypto";
import { AssayError } from "../core/errors.ts";
import type { Outcome } from "../core/evidence.ts";
import type { Limits } from "../core/limits.ts";
import type { Manifest } from "../core/ports/ecosystem.ts";
import type { Log } from "../core/ports/log.ts";
import type { Candidate, Verifier } from "../core/ports/verifier.ts";
import type { ScanJob, ScanReport } from "./archive/scan-report.ts";
import { mismatch } from "./checksum.ts";
import { WorkerPool } from "./worker-pool.ts";

/** Two, so that one large wheel does not hold up every small one. */
const WORKERS = 2;
/** Far above what the scan of 200,000 entries takes (about 150 MiB); a bound on what an archive can make us hold. */
const WORKER_HEAP_MEGABYTES = 768;

/**
 * Whether an archive is the container that its name promises, reads alike to every client, keeps to its folder and to the limits, and is by its
 * own manifest what was asked for. The scan runs in worker threads; no byte of an archive is ever unpacked to disk.
 * Passes with the claims `entries`, `unpacked_bytes`, `manifest` (its path) and `manifest_sha256`.
 * Absent: the file's name promises no container that can be checked. Unavailable: the check did not come to an end.
 */
export class ArchiveVerifier implements Verifier {
  readonly id = "archive";
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #pool: WorkerPool<ScanJob, ScanReport>;

  constructor({ limits, log }: { limits: Limits; log: Log }) {
    this.#limits = limits;
    this.#log = log;
    this.#pool = new WorkerPool({
      module: new URL("./archive/scan.worker.ts", import.meta.url),
      workers: WORKERS,
      heapMegabytes: WORKER_HEAP_MEGABYTES,
    });
  }

  /** Throws STORE_IO where the quarantined file cannot be read. */
  async verify(candidate: Candidate): Promise<Outcome> {
    const { ref, blob, ecosystem } = candidate;
    const format = ecosystem.archiveFormat(ref);
    if (!format) return { kind: "absent" };
    const result = await this.#pool.run({ path: blob.path, format, limits: this.#limits }, this.#limits.verifySeconds * 1000);
    if (result.kind === "lost") {
      this.#log.warn({ repository: ref.repository, file: ref.file, detail: result.detail }, "an archive could not be checked");
      return { kind: "unavailable", detail: `${ref.file}: ${result.detail}` };
    }
    const report = result.answer;
    switch (report.kind) {
      case "unsound":
        return { kind: "invalid", code: report.code, detail: `${ref.file}: ${report.detail}` };
      case "unreadable":
        throw new AssayError("STORE_IO", "an archive in quarantine could not be read", { cause: new Error(report.detail) });
      case "sound":
        return judge(candidate, report);
      default:
        return report satisfies never;
    }
  }

  waiting(): number {
    return this.#pool.waiting;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** A sound archive: is it the one that was asked for, with the manifest that the index promised? */
function judge({ ref, resolution, ecosystem }: Candidate, report: Extract<ScanReport, { kind: "sound" }>): Outcome {
  // A worker's answer is a copy in which buffers have become plain byte arrays.
  const manifests = report.manifests.map(({ path, body }): Manifest => ({ path, body: Buffer.from(body) }));
  const identification = ecosystem.identify(ref, manifests);
  if (identification.kind === "other")
    return { kind: "invalid", code: "IDENTITY_MISMATCH", detail: `${ref.file}: ${identification.detail}` };
  const manifest = manifests.find(({ path }) => path === identification.manifestPath);
  if (!manifest) throw new Error("an ecosystem identified an archive by a manifest that it was not given");
  // Resolvers act on the manifest that the index serves beside a wheel (PEP 658) before they see the wheel: both must be the same bytes.
  for (const claim of resolution.manifestClaims ?? []) {
    const got = createHash(claim.algorithm).update(manifest.body).digest("hex");
    if (got !== claim.hex)
      return { kind: "invalid", code: "METADATA_MISMATCH", detail: `${ref.file}: its manifest differs: ${mismatch(claim, got)}` };
  }
  return {
    kind: "pass",
    claims: {
      entries: report.entries,
      unpacked_bytes: report.unpackedBytes,
      manifest: manifest.path,
      manifest_sha256: createHash("sha256").update(manifest.body).digest("hex"),
    },
  };
}
