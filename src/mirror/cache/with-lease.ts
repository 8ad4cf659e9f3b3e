import { randomUUID } from "node:crypto";
import { AssayError } from "../../core/errors.ts";
import type { Index } from "../../core/ports/index-store.ts";

/** Renewed three times before it runs out. */
const LEASE_MS = 60_000;
const RETRY_SECONDS = 60;

/** Does `work` as the only one of all processes on the data folder. Throws BUSY where another one is at it; `what` names it. */
export async function withLease<T>(
  key: string,
  what: string,
  { index }: { readonly index: Pick<Index, "lease" | "release"> },
  work: () => Promise<T>,
): Promise<T> {
  const owner = randomUUID();
  if (!(await index.lease(key, owner, LEASE_MS))) {
    throw new AssayError("BUSY", `${what} of this data folder is under way already`, {
      help: "wait for it: a mirror does it in the background, too",
      retryAfterSeconds: RETRY_SECONDS,
    });
  }
  const renewal = setInterval(() => void index.lease(key, owner, LEASE_MS).catch(() => {}), LEASE_MS / 3);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await index.release(key, owner).catch(() => {}); // It runs out.
  }
}
