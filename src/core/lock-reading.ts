import { Complaints } from "./complaints.ts";
import { distinctEntries } from "./distinct-entries.ts";
import { JsonShapeError } from "./json-fields.ts";
import type { Limits } from "./limits.ts";
import type { LockEntry, LockFile, LockProblem, LockReading } from "./lock-file.ts";

/** What a reader finds in a lock that says nothing of its manifest. */
interface ReadLock {
  readonly format: string;
  /** As they stand there, repeated ones too. */
  readonly entries: readonly LockEntry[];
  readonly notes?: readonly LockProblem[];
}

/** The reading of such a lock. What `read` collects in its complaints, or throws as JsonShapeError, is what is wrong with it. */
export function lockReading({ listedFiles }: Pick<Limits, "listedFiles">, read: (complaints: Complaints) => ReadLock): LockReading {
  const complaints = new Complaints();
  const lock = complaints.collect("", (): LockFile => {
    const { format, entries, notes = [] } = read(complaints);
    if (entries.length > listedFiles) throw new JsonShapeError(`${format}: it locks ${entries.length} archives, more than ${listedFiles}`);
    return { format, entries: distinctEntries(entries, complaints), stale: [], notes };
  });
  return complaints.readingOf(lock);
}
