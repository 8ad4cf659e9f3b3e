import type { ListingEntry } from "../../core/listing-digest.ts";
import { parseEntryPath } from "./entry-path.ts";
import { scan } from "./scan.ts";
import type { ScanJob, ScanReport } from "./scan-report.ts";
import type { ScannedMember } from "./scanned-member.ts";
import { mayRun } from "./tar-fields.ts";

export interface ArchiveListing {
  /** Only of a sound archive is the listing whole. */
  readonly report: ScanReport;
  readonly entries: readonly ListingEntry[];
}

/**
 * What a tar archive of any container holds, for `listingDigest`: paths as they are unpacked (`./a` is `a`), folders left out, hard links as the files they are.
 * The scan is the mirror's own, with its limits. Reads the whole archive in this thread; holds none of its content. `observe` is told of each member as it comes.
 */
export async function listArchive(job: ScanJob, observe?: (member: ScannedMember) => void): Promise<ArchiveListing> {
  const entries = new Map<string, ListingEntry>();
  const report = await scan(job, (member) => {
    observe?.(member);
    const entry = listed(member, entries);
    if (entry) entries.set(entry.path, entry);
  });
  return { report, entries: [...entries.values()] };
}

/** Undefined for a folder. `earlier` has what a hard link may be another name of: the scan has refused all others. */
function listed(member: ScannedMember, earlier: ReadonlyMap<string, ListingEntry>): ListingEntry | undefined {
  const path = placeOf(member.name);
  if (member.type === "2") return { kind: "link", path, target: member.linkname };
  if (member.type === "1") {
    const original = earlier.get(placeOf(member.linkname));
    return original ? { ...original, path } : undefined;
  }
  if (member.sha256 === undefined) return undefined;
  return { kind: "file", path, executable: mayRun(member.header), sizeBytes: member.sizeBytes, sha256: member.sha256 };
}

function placeOf(name: string): string {
  return parseEntryPath(name).join("/");
}
