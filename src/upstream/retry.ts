import { AssayError } from "../core/errors.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

/** Milliseconds under which the first wait is drawn; it doubles with each attempt, up to the second. */
export const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 5_000;
/** Seconds of `Retry-After` that we sit out. For longer ones the caller is told, since a client would give up waiting for us. */
const MAX_HONOURED_RETRY_AFTER_SECONDS = 5;

export interface RetryOptions {
  readonly retries: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly delay: (ms: number) => Promise<void>;
  readonly onRetry: (failure: AssayError, waitMs: number) => void;
}

/**
 * Runs `work` until it succeeds, fails for good, or has used up its retries. Waits a random time below a doubling bound ("full jitter"):
 * mirrors that lost the same upstream at the same moment must not come back at the same moment.
 */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  let lastFailure: AssayError | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      // Our own attempts opened the circuit: what they met says more than that.
      if (lastFailure && error instanceof AssayError && error.code === "UPSTREAM_CIRCUIT_OPEN") throw lastFailure;
      if (!(error instanceof UpstreamFailure) || !error.mayPass || attempt >= options.retries) throw error;
      const askedMs = (error.retryAfterSeconds ?? 0) * 1000;
      if (askedMs > MAX_HONOURED_RETRY_AFTER_SECONDS * 1000) throw error;
      lastFailure = error;
      const waitMs = Math.max(askedMs, options.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt));
      options.onRetry(error, waitMs);
      await options.delay(waitMs);
    }
  }
}
