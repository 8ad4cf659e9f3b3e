import type { ServerResponse } from "node:http";
import { AssayError, type ErrorCode } from "../core/errors.ts";
import type { Problem } from "../core/ports/ecosystem.ts";
import { printableLine } from "../core/printable-line.ts";
import { formatPurl } from "../core/purl.ts";
import type { Admission, Refusal } from "../core/verdict.ts";
import { visibleText } from "../core/visible-text.ts";
import type { AskedOf } from "./asked-of.ts";

/**
 * The one table from error code to status. 404 only where every upstream is well and has it not: a 404 sends Python clients on to the next index.
 * 504 for what is not held offline, as a cache answers `only-if-cached` (RFC 9111 section 5.2.1.7); pip shows its reason and does not retry.
 */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  CONFLICT: 409,
  GONE: 410,
  PAYLOAD_TOO_LARGE: 413,
  UNPROCESSABLE: 422,
  RATE_LIMITED: 429,
  OFFLINE: 504,
  UPSTREAM_ADDRESS: 502,
  UPSTREAM_AUTH: 502,
  UPSTREAM_CIRCUIT_OPEN: 503,
  UPSTREAM_CONTENT_TYPE: 502,
  UPSTREAM_EVIDENCE: 503,
  UPSTREAM_LENGTH: 502,
  UPSTREAM_LIMIT: 502,
  UPSTREAM_MALFORMED: 502,
  UPSTREAM_NOT_ALLOWED: 403,
  UPSTREAM_NOT_CONFIGURED: 502,
  UPSTREAM_RATE_LIMITED: 503,
  UPSTREAM_REDIRECT: 502,
  UPSTREAM_STATUS: 502,
  UPSTREAM_TIMEOUT: 504,
  UPSTREAM_TRUNCATED: 502,
  UPSTREAM_UNREACHABLE: 502,
  BUSY: 503,
  STORE_CORRUPT: 500,
  STORE_FULL: 507,
  STORE_IO: 500,
  CONFIG_INVALID: 500,
  USAGE: 400,
  INTERNAL: 500,
};

const PHRASE_CHARACTERS = 150;
const NOTICE_CHARACTERS = 300;
const WHY_CHARACTERS = 2048;

/** What to tell a client about an error. Only AssayErrors speak to clients; anything else is a bug and says so without details. */
export function problemOfError(error: unknown): Problem & { readonly retryAfterSeconds?: number } {
  const known =
    error instanceof AssayError ? error : new AssayError("INTERNAL", "something went wrong inside Assay; its log has the details");
  return {
    kind: "error",
    status: STATUS[known.code],
    code: known.code,
    ...(known.detailCode === undefined ? {} : { detailCode: known.detailCode }),
    ...(known.fields === undefined ? {} : { fields: known.fields }),
    title: titleOf(known.code),
    detail: visibleText(known.help ? `${known.message} (${known.help})` : known.message),
    ...(known.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: known.retryAfterSeconds }),
  };
}

/** What to tell a client about a refusal: status 403 always, so that no client takes it for an outage and tries again. */
export function problemOfRefusal(admission: Admission, refusal: Refusal, origin: string): Problem {
  const [first] = refusal.reasons;
  const purl = formatPurl(admission.ref);
  return {
    kind: "refusal",
    status: 403,
    code: first.code,
    title: `Refused by Assay: ${admission.ref.name} ${admission.ref.version}`,
    detail: visibleText(shortDigests(refusal.reasons.map((reason) => `${reason.text} [${reason.rule}] ${reason.help}`).join("; "))),
    purl,
    why: `${origin}/api/v1/artifacts?purl=${encodeURIComponent(purl)}`,
  };
}

/**
 * Sends a problem so that every client shows its reason: pip prints the reason phrase, uv `title` and `detail`, npm `error` and the notice.
 * One body for all; an ecosystem with an error format of its own replaces it. Never cached: the next answer may differ.
 */
export function sendProblem(
  response: ServerResponse,
  problem: Problem & { readonly retryAfterSeconds?: number },
  options: { method: string; askedOf?: AskedOf | undefined; headers?: Readonly<Record<string, string>> },
): void {
  const own = options.askedOf?.ecosystem.problemBody?.(problem, options.askedOf.context);
  const status = (problem.kind === "error" ? own?.status : undefined) ?? problem.status;
  const body = own?.body ?? Buffer.from(`${JSON.stringify(commonBody(problem))}\n`);
  const line = problem.kind === "refusal" ? `assay: ${problem.detail}` : problem.detail;
  const headers: Record<string, string> = {
    ...options.headers,
    "Content-Type": own?.contentType ?? "application/problem+json",
    "Content-Length": String(body.length),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Error-Message": printableLine(line, NOTICE_CHARACTERS),
  };
  if (problem.kind === "refusal") headers["npm-notice"] = noticeOf(line, problem.why ?? "");
  if (problem.retryAfterSeconds !== undefined) headers["Retry-After"] = String(Math.ceil(problem.retryAfterSeconds));
  // https://www.rfc-editor.org/rfc/rfc6750#section-3
  if (problem.status === 401) headers["WWW-Authenticate"] = 'Bearer realm="assay"';
  if (problem.status === 405) headers["Allow"] ??= "GET, HEAD";
  response.writeHead(status, printableLine(line, PHRASE_CHARACTERS), headers);
  response.end(options.method === "HEAD" ? undefined : body);
}

/** A digest in a sentence for people: enough to compare by eye. The page that `why` names has them whole. */
function shortDigests(text: string): string {
  return text.replace(/[0-9a-f]{32,}/g, (hex) => `${hex.slice(0, 12)}…`);
}

/** The reason gives way to the address, which is of no use in part. */
function noticeOf(line: string, why: string): string {
  return `${printableLine(line, Math.max(NOTICE_CHARACTERS - why.length, PHRASE_CHARACTERS))} ${printableLine(why, WHY_CHARACTERS)}`;
}

function commonBody(problem: Problem): Record<string, unknown> {
  return {
    type: "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    ...(problem.purl ? { purl: problem.purl } : {}),
    ...(problem.why ? { why: problem.why } : {}),
    error: problem.kind === "refusal" ? `${problem.title}: ${problem.detail}` : problem.detail,
  };
}

function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}`;
}
