import type { Digests } from "../../core/digest.ts";
import type { Checked } from "../../core/finding.ts";
import type { Limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports/log.ts";
import { WorkerPool } from "../worker-pool.ts";
import type { ManagedKey } from "./managed-key.ts";
import type { TrustRoot } from "./trust-root.ts";
import type { VerificationJob } from "./verification-job.ts";
import type { VerifiedBundle } from "./verify-bundle.ts";

/** One keeps up with 90 bundles a second; the second is for when the first one is held up. */
const WORKERS = 2;
/** A verification holds a few MiB at most; a bundle is no larger than one. */
const WORKER_HEAP_MEGABYTES = 128;

export interface SigstoreOptions {
  /** Trust roots by name, asked anew for each verification: a refreshed root takes effect with the next one. */
  readonly roots: { get(name: string): TrustRoot | undefined };
  readonly log: Log;
  readonly limits: Pick<Limits, "bundleBytes" | "verifyBundleSeconds">;
  readonly workers?: number;
}

export interface SigstoreRequest {
  readonly bundle: Buffer;
  /** Name of the trust root that is bound to where the bundle came from. Never taken from the bundle. */
  readonly trust: string;
  readonly artifact: { readonly digests: Digests };
  readonly keys?: readonly ManagedKey[];
}

/** `unavailable`: nothing was found out about the bundle. */
export type SigstoreResult = Checked<VerifiedBundle> | { readonly kind: "unavailable"; readonly detail: string };

/**
 * Verifies bundles in a few threads of their own: whatever a hostile one does there, it ends with its time, and requests are served meanwhile.
 * Safe to call concurrently. Never throws. Close it when done.
 */
export class SigstoreVerification {
  readonly #roots: SigstoreOptions["roots"];
  readonly #log: Log;
  readonly #limits: SigstoreOptions["limits"];
  readonly #pool: WorkerPool<VerificationJob, Checked<VerifiedBundle>>;

  constructor({ roots, limits, log, workers = WORKERS }: SigstoreOptions) {
    this.#roots = roots;
    this.#log = log;
    this.#limits = limits;
    this.#pool = new WorkerPool({
      module: new URL("./sigstore.worker.ts", import.meta.url),
      workers,
      heapMegabytes: WORKER_HEAP_MEGABYTES,
    });
  }

  async verify({ bundle, trust, artifact, keys = [] }: SigstoreRequest): Promise<SigstoreResult> {
    const root = this.#roots.get(trust);
    if (root === undefined) return { kind: "unavailable", detail: `there is no trust root ${JSON.stringify(trust)}` };
    const { name, source, sha256, text } = root;
    const job: VerificationJob = { bundle, root: { name, source, sha256, text }, digests: artifact.digests, keys, limits: this.#limits };
    const timeoutMs = this.#limits.verifyBundleSeconds * 1000;
    let result = await this.#pool.run(job, timeoutMs);
    // A finding is kept, and a busy machine must not become one: only a bundle that runs out of time twice is at fault.
    if (result.kind === "lost" && result.cause === "time") result = await this.#pool.run(job, timeoutMs);
    if (result.kind === "answered") return result.answer;
    this.#log.warn({ trust, bytes: bundle.length, detail: result.detail }, "a Sigstore bundle could not be verified");
    return result.cause === "time" || result.cause === "memory"
      ? { ok: false, finding: { code: "BUNDLE_LIMIT", detail: `the bundle cannot be verified within the limits: ${result.detail}` } }
      : { kind: "unavailable", detail: `the bundle could not be verified: ${result.detail}` };
  }

  waiting(): number {
    return this.#pool.waiting;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
