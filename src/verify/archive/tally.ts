import type { Budget } from "./budget.ts";
import type { EntryTree } from "./entry-tree.ts";
import type { ManifestCollector } from "./manifest-collector.ts";
import type { ScannedMember } from "./scanned-member.ts";

/** What the scan of one archive adds up. */
export interface Tally {
  readonly budget: Budget;
  readonly tree: EntryTree;
  readonly manifests: ManifestCollector;
  /** Is told of each member of a tar archive, in its order, once it was found sound. Keeps what it is given. */
  readonly observe?: (member: ScannedMember) => void;
}
