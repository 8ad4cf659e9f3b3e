import type { FindingCode } from "../../core/evidence.ts";
import type { Finding } from "../../core/finding.ts";

/**
 * What is wrong with a bundle. Thrown to end its verification at once; `verifyBundle` turns it into a value, so it never leaves this folder.
 * `detail` is one sentence of printable text: text from a bundle stands in it only through `quote`.
 */
export class BundleFinding extends Error {
  readonly finding: Finding;

  constructor(code: FindingCode, detail: string) {
    super(detail);
    this.name = "BundleFinding";
    this.finding = { code, detail };
  }
}

/** It is not the document that it says it is. */
export const malformed = (detail: string): BundleFinding => new BundleFinding("BUNDLE_MALFORMED", detail);
/** A form that we cannot check, so cannot vouch for. */
export const unsupported = (detail: string): BundleFinding => new BundleFinding("BUNDLE_UNSUPPORTED", detail);
export const certificateInvalid = (detail: string): BundleFinding => new BundleFinding("CERTIFICATE_INVALID", detail);
export const logEntryInvalid = (detail: string): BundleFinding => new BundleFinding("LOG_ENTRY_INVALID", detail);

/** A key that has been rotated shows as one that the root does not know: say so, since the cure is a newer root and not another package. */
export const STALE_ROOT_HINT = "the trust root may be stale, or the bundle is of another Sigstore instance";
