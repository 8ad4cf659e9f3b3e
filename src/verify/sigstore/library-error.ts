import { PolicyError, VerificationError } from "@sigstore/verify";
import type { FindingCode } from "../../core/evidence.ts";
import type { Finding } from "../../core/finding.ts";
import { quote } from "../../core/quote.ts";

const CODES: Readonly<Record<VerificationError["code"], FindingCode>> = {
  NOT_IMPLEMENTED_ERROR: "BUNDLE_UNSUPPORTED",
  TLOG_INCLUSION_PROOF_ERROR: "LOG_ENTRY_INVALID",
  TLOG_INCLUSION_PROMISE_ERROR: "LOG_ENTRY_INVALID",
  TLOG_MISSING_INCLUSION_ERROR: "LOG_ENTRY_INVALID",
  TLOG_BODY_ERROR: "LOG_ENTRY_INVALID",
  TLOG_ERROR: "LOG_ENTRY_INVALID",
  CERTIFICATE_ERROR: "CERTIFICATE_INVALID",
  PUBLIC_KEY_ERROR: "KEY_UNKNOWN",
  SIGNATURE_ERROR: "SIGNATURE_INVALID",
  TIMESTAMP_ERROR: "TIMESTAMP_INVALID",
};

/**
 * A library's error as a finding. Not all of them are its own: a hostile bundle can end in a TypeError or a RangeError, which refuses it just as
 * well. Only our own mistakes look the same, so the class is named.
 */
export function libraryFinding(error: unknown): Finding {
  if (error instanceof VerificationError || error instanceof PolicyError) {
    const code = error instanceof VerificationError ? CODES[error.code] : "BUNDLE_UNSUPPORTED";
    const cause = error.cause instanceof Error ? `: ${quote(error.cause.message)}` : "";
    return { code, detail: `the bundle does not verify: ${quote(error.message)}${cause}` };
  }
  const what = error instanceof Error ? `${error.name}: ${error.message}` : "";
  return { code: "BUNDLE_MALFORMED", detail: `the bundle cannot be verified: ${quote(what)}` };
}
