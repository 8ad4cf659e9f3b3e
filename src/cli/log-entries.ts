import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedDecision } from "../core/decision.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { LogFilter } from "./log-filter.ts";

interface Reading {
  /** Position of the first entry. */
  readonly from?: number;
  /** Entries after which to stop. */
  readonly limit?: number;
  /** Whether to go on with what is decided from now on, until `signal` says to stop. */
  readonly follow?: boolean;
  readonly signal: AbortSignal;
}

const PAGE_ENTRIES = 500;
const FOLLOW_MS = 1_000;

/** The entries that a filter means, oldest first, a page of them at a time: the log may be longer than memory. Throws what `Index.decisions` throws. */
export async function* logEntries(
  index: Pick<Index, "decisions">,
  { indexed, isMeant }: LogFilter,
  { from: first = 0, limit = Number.POSITIVE_INFINITY, follow = false, signal }: Reading,
): AsyncGenerator<readonly LoggedDecision[]> {
  let from = first;
  let left = limit;
  while (!signal.aborted && left > 0) {
    const page = await index.decisions({ ...indexed, from, limit: PAGE_ENTRIES });
    const meant = page.filter(isMeant).slice(0, left);
    if (meant.length > 0) yield meant;
    left -= meant.length;
    from = (page.at(-1)?.position ?? from - 1) + 1;
    if (page.length === PAGE_ENTRIES) continue;
    if (!follow) return;
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => {});
  }
}
