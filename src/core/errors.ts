/**
 * Every way an operation can fail, as opposed to being refused. A refusal is a value (see verdict.ts).
 * http/problem.ts turns each code into a status, cli/exit.ts into an exit code; the compiler holds both tables complete.
 */
export const ERROR_CODES = [
  "BAD_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "NOT_ACCEPTABLE",
  "CONFLICT",
  "GONE",
  "PAYLOAD_TOO_LARGE",
  "UNPROCESSABLE",
  "RATE_LIMITED",
  "OFFLINE",
  "UPSTREAM_ADDRESS",
  "UPSTREAM_AUTH",
  "UPSTREAM_CIRCUIT_OPEN",
  "UPSTREAM_CONTENT_TYPE",
  "UPSTREAM_EVIDENCE",
  "UPSTREAM_LENGTH",
  "UPSTREAM_LIMIT",
  "UPSTREAM_MALFORMED",
  "UPSTREAM_NOT_ALLOWED",
  "UPSTREAM_NOT_CONFIGURED",
  "UPSTREAM_RATE_LIMITED",
  "UPSTREAM_REDIRECT",
  "UPSTREAM_STATUS",
  "UPSTREAM_TIMEOUT",
  "UPSTREAM_TRUNCATED",
  "UPSTREAM_UNREACHABLE",
  "BUSY",
  "STORE_CORRUPT",
  "STORE_FULL",
  "STORE_IO",
  "CONFIG_INVALID",
  "USAGE",
  "INTERNAL",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** One field by its path, such as `dependencies.@acme/tool`, and what was expected there. */
export interface FieldProblem {
  readonly field: string;
  readonly error: string;
}

export interface ErrorDetails {
  /** What the reader can do next. */
  readonly help?: string;
  /** Seconds after which asking again makes sense. */
  readonly retryAfterSeconds?: number;
  /** A finer code of the ecosystem's own protocol (AAM: `VERSION_NOT_FOUND`), for its `problemBody`. */
  readonly detailCode?: string;
  /** What is wrong with each field of what was sent, where that is the failure. */
  readonly fields?: readonly FieldProblem[];
  /** The HTTP status that an upstream answered with, where that is the failure. */
  readonly upstreamStatus?: number;
  readonly cause?: unknown;
}

/** Something outside failed. The message names both sides and holds no secret: it may reach a client. */
export class AssayError extends Error {
  readonly code: ErrorCode;
  readonly help: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly detailCode: string | undefined;
  readonly fields: readonly FieldProblem[] | undefined;
  readonly upstreamStatus: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "AssayError";
    this.code = code;
    this.help = details.help;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.detailCode = details.detailCode;
    this.fields = details.fields;
    this.upstreamStatus = details.upstreamStatus;
  }
}

/** The upstream failed to give a usable answer, so what we hold may be served in its place (stale-if-error). */
export function isUpstreamFailure(error: unknown): error is AssayError {
  return error instanceof AssayError && (error.code === "OFFLINE" || error.code.startsWith("UPSTREAM_"));
}
