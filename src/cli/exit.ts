import type { ErrorCode } from "../core/errors.ts";

/** Exit codes: 0 done, 2 refused by policy, 64 to 78 as in sysexits(3). */
export const EXIT_DONE = 0;
export const EXIT_REFUSED = 2;
/** What was to be proven does not hold: EX_DATAERR. */
export const EXIT_UNPROVEN = 65;

/** The one table from error code to exit code. */
const EXIT_CODE: Readonly<Record<ErrorCode, number>> = {
  BAD_REQUEST: 65,
  UNAUTHORIZED: 77,
  FORBIDDEN: 77,
  NOT_FOUND: 66,
  METHOD_NOT_ALLOWED: 64,
  NOT_ACCEPTABLE: 64,
  CONFLICT: 65,
  GONE: 66,
  PAYLOAD_TOO_LARGE: 65,
  UNPROCESSABLE: 65,
  RATE_LIMITED: 75,
  OFFLINE: 69,
  UPSTREAM_ADDRESS: 69,
  UPSTREAM_AUTH: 77,
  UPSTREAM_CIRCUIT_OPEN: 69,
  UPSTREAM_CONTENT_TYPE: 76,
  UPSTREAM_EVIDENCE: 69,
  UPSTREAM_LENGTH: 76,
  UPSTREAM_LIMIT: 76,
  UPSTREAM_MALFORMED: 76,
  UPSTREAM_NOT_ALLOWED: EXIT_REFUSED,
  UPSTREAM_NOT_CONFIGURED: 78,
  UPSTREAM_RATE_LIMITED: 75,
  UPSTREAM_REDIRECT: 76,
  UPSTREAM_STATUS: 69,
  UPSTREAM_TIMEOUT: 69,
  UPSTREAM_TRUNCATED: 76,
  UPSTREAM_UNREACHABLE: 69,
  BUSY: 75,
  STORE_CORRUPT: 74,
  STORE_FULL: 74,
  STORE_IO: 74,
  CONFIG_INVALID: 78,
  USAGE: 64,
  INTERNAL: 70,
};

export function exitCode(code: ErrorCode): number {
  return EXIT_CODE[code];
}
