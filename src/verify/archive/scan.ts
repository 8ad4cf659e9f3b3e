import { closeSync, fstatSync, openSync } from "node:fs";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import { Budget } from "./budget.ts";
import { EntryTree } from "./entry-tree.ts";
import { ArchiveFinding, malformed } from "./finding.ts";
import { ManifestCollector } from "./manifest-collector.ts";
import type { ScanJob, ScanReport } from "./scan-report.ts";
import type { ScannedMember } from "./scanned-member.ts";
import type { Tally } from "./tally.ts";
import { scanTar } from "./tar.ts";
import { scanZip } from "./zip.ts";

/**
 * Scans one archive file. Blocks the thread for long stretches, so it belongs in a worker, or in a command of its own. Rejects only for bugs.
 * `observe` is told of each member of a tar archive, up to the first that is unsound.
 */
export async function scan(job: ScanJob, observe?: (member: ScannedMember) => void): Promise<ScanReport> {
  let fd: number | undefined;
  try {
    fd = openSync(job.path, "r");
    const sizeBytes = fstatSync(fd).size;
    const tally: Tally = {
      budget: new Budget(job.limits, sizeBytes),
      tree: new EntryTree(job.limits.archiveEntries),
      manifests: new ManifestCollector(job.format.manifests, job.limits.manifestBytes),
      ...(observe ? { observe } : {}),
    };
    await scanContainer(fd, sizeBytes, job.format, tally);
    if (tally.budget.entries === 0) throw malformed("it is empty");
    return {
      kind: "sound",
      entries: tally.budget.entries,
      unpackedBytes: tally.budget.unpackedBytes,
      manifests: tally.manifests.collected(),
    };
  } catch (error) {
    return toReport(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function scanContainer(fd: number, sizeBytes: number, format: ArchiveFormat, tally: Tally): Promise<void> {
  const { container } = format;
  if (container === "zip") return scanZip(fd, sizeBytes, format, tally);
  return scanTar(fd, sizeBytes, { ...format, container }, tally);
}

/** A library that cannot make sense of the bytes throws a plain Error (yauzl) or a zlib one; what the operating system throws has a syscall. */
function toReport(error: unknown): ScanReport {
  if (error instanceof ArchiveFinding) return { kind: "unsound", code: error.code, detail: error.message };
  if (!(error instanceof Error)) throw error;
  if ("syscall" in error) return { kind: "unreadable", detail: error.message };
  const isFromZlib = "code" in error && String(error.code).match(/^(Z|ZSTD)_/);
  const isFromYauzl = error.constructor === Error;
  if (!isFromZlib && !isFromYauzl) throw error;
  return { kind: "unsound", code: "ARCHIVE_MALFORMED", detail: `it does not parse: ${printable(error.message)}` };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
