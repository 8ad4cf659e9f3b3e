import type { Budget } from "./budget.ts";
import type { EntryTree } from "./entry-tree.ts";
import type { ManifestCollector } from "./manifest-collector.ts";

/** What the scan of one archive adds up. */
export interface Tally {
  readonly budget: Budget;
  readonly tree: EntryTree;
  readonly manifests: ManifestCollector;
}
