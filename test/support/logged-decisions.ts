import type { LoggedDecision } from "../../src/core/decision.ts";
import type { DecisionFilter } from "../../src/core/ports/index-store.ts";
import { openExistingIndex } from "../../src/store/open-store.ts";

/** What stands in the decision log of a data folder, as another process sees it. */
export async function loggedDecisions(dataDir: string, filter: Partial<DecisionFilter> = {}): Promise<readonly LoggedDecision[]> {
  const index = await openExistingIndex({ dataDir, clock: { now: Date.now } });
  try {
    return await index.decisions({ from: 0, limit: 10_000, ...filter });
  } finally {
    await index.close();
  }
}
