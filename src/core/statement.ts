import type { JsonObject } from "./json.ts";

/** An in-toto statement whose envelope's signature was verified. Its contents are only what the signer says. */
export interface Statement {
  /** `https://in-toto.io/Statement/v1` or, for old npm attestations, `…/v0.1`. */
  readonly type: string;
  readonly subjects: readonly StatementSubject[];
  readonly predicateType: string;
  readonly predicate: JsonObject | null;
}

export interface StatementSubject {
  readonly name: string;
  /** By algorithm as written: `sha256`, `sha512`, `sha1`, `gitCommit`, …; lowercase hexadecimal. */
  readonly digest: Readonly<Record<string, string>>;
}

/** L0 checksum, L1 signed, L2 provenance, L3 rebuilt. Each includes those below. AAM specification 14.5. */
export const LEVELS = ["L0", "L1", "L2", "L3"] as const;
export type Level = (typeof LEVELS)[number];
