import type { Limits } from "../../core/limits.ts";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import type { ScanCode } from "./finding.ts";

/** Limits that a scan keeps to. */
export type ScanLimits = Pick<Limits, "archiveEntries" | "unpackedBytes" | "unpackRatio" | "pathBytes" | "manifestBytes">;

/** One archive to scan. Plain data: it is posted to a worker. */
export interface ScanJob {
  readonly path: string;
  readonly format: ArchiveFormat;
  readonly limits: ScanLimits;
}

/** What a scan found out. Plain data: it is posted back. */
export type ScanReport =
  | {
      readonly kind: "sound";
      readonly entries: number;
      readonly unpackedBytes: number;
      /** The files that `format.manifests` asks for, in the order they stand in the archive. */
      readonly manifests: readonly ScannedManifest[];
    }
  | { readonly kind: "unsound"; readonly code: ScanCode; readonly detail: string }
  /** The quarantined file could not be read. Says nothing about the archive. */
  | { readonly kind: "unreadable"; readonly detail: string };

export interface ScannedManifest {
  readonly path: string;
  readonly body: Uint8Array;
}
