import type { FindingCode } from "../../core/evidence.ts";

/** Codes that a container scan can end with. The others speak about an archive's identity or digest. */
export type ScanCode = Extract<FindingCode, `ARCHIVE_${string}`>;

/**
 * What is wrong with an archive. Thrown by the scanners to end a scan at once; `scan` turns it into a value, so it never leaves this folder.
 * `detail` is one sentence of printable text: names from the archive stand in it only through `quote` (core/quote.ts).
 */
export class ArchiveFinding extends Error {
  readonly code: ScanCode;

  constructor(code: ScanCode, detail: string) {
    super(detail);
    this.name = "ArchiveFinding";
    this.code = code;
  }
}

/** Two readers could see two things. */
export const ambiguous = (detail: string): ArchiveFinding => new ArchiveFinding("ARCHIVE_AMBIGUOUS", detail);
/** It does not parse. */
export const malformed = (detail: string): ArchiveFinding => new ArchiveFinding("ARCHIVE_MALFORMED", detail);
/** Unpacking it would reach outside its folder, or make something that is no file. */
export const unsafe = (detail: string): ArchiveFinding => new ArchiveFinding("ARCHIVE_UNSAFE", detail);
/** It is larger than the operator lets an archive be. */
export const pastLimit = (detail: string): ArchiveFinding => new ArchiveFinding("ARCHIVE_LIMIT", detail);
/** A form that we cannot check, so cannot vouch for. */
export const unsupported = (detail: string): ArchiveFinding => new ArchiveFinding("ARCHIVE_UNSUPPORTED", detail);
