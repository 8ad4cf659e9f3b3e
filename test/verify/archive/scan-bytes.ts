import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import type { ArchiveFormat } from "../../../src/core/ports/ecosystem.ts";
import { scan } from "../../../src/verify/archive/scan.ts";
import type { ScanLimits, ScanReport } from "../../../src/verify/archive/scan-report.ts";

export const ZIP: ArchiveFormat = {
  container: "zip",
  manifests: [{ depth: 2, name: "METADATA", folderEnding: ".dist-info" }],
  symlinks: "inside",
};
export const TAR: ArchiveFormat = { container: "tar", manifests: [{ depth: 2, name: "PKG-INFO" }], symlinks: "inside" };
export const NPM: ArchiveFormat = {
  container: "tar.gz",
  manifests: [{ depth: 2, name: "package.json" }],
  symlinks: "inside",
  droppedSegments: 1,
};

/** Scans bytes as the worker does, from a file. */
export async function scanBytes(bytes: Buffer, format: ArchiveFormat, limits: Partial<ScanLimits> = {}): Promise<ScanReport> {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  const path = join(folder, "archive");
  try {
    writeFileSync(path, bytes);
    return await scan({ path, format, limits: { ...DEFAULT_LIMITS, ...limits } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The code of an unsound archive, `sound`, or `unreadable`: what the tables of attacks compare. */
export async function verdictOn(bytes: Buffer, format: ArchiveFormat, limits: Partial<ScanLimits> = {}): Promise<string> {
  const report = await scanBytes(bytes, format, limits);
  return report.kind === "unsound" ? report.code : report.kind;
}
