import type { FindingCode } from "./evidence.ts";

/** What is wrong with a piece of evidence or an archive. A value: finding something is a verifier's work, not its failure. */
export interface Finding {
  readonly code: FindingCode;
  /** One sentence that names both sides. Text from outside in it is escaped and bounded. */
  readonly detail: string;
}

/** Either a result or what was found wrong on the way to it. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly finding: Finding };

export function passed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function found(code: FindingCode, detail: string): { readonly ok: false; readonly finding: Finding } {
  return { ok: false, finding: { code, detail } };
}
