import type { Ecosystem, Problem, ProblemContext } from "../../core/ports/ecosystem.ts";
import { isApiV1Path } from "./api-v1/path.ts";
import { flatProblem } from "./api-v1/problem.ts";
import { jsonBody } from "./page.ts";
import { isProtocolCode, PROTOCOL_CODES, type ProtocolCode } from "./protocol-codes.ts";

/** Errors after which asking again may help: the registry is down, as the protocol sees it. Others on upstream's side stay 502. */
const DOWN: ReadonlySet<string> = new Set([
  "OFFLINE",
  "UPSTREAM_CIRCUIT_OPEN",
  "UPSTREAM_STATUS",
  "UPSTREAM_TIMEOUT",
  "UPSTREAM_TRUNCATED",
  "UPSTREAM_UNREACHABLE",
]);

/** Reasons of a refusal that are about a signature or attestation that is there. One that is missing, or says too little, is a matter of policy: FORBIDDEN. */
const ABOUT_SIGNATURES: ReadonlySet<string> = new Set([
  "BUNDLE_MALFORMED",
  "BUNDLE_UNSUPPORTED",
  "BUNDLE_LIMIT",
  "CERTIFICATE_INVALID",
  "CERTIFICATE_UNTRUSTED",
  "LOG_ENTRY_INVALID",
  "LOG_ENTRY_UNTRUSTED",
  "TIMESTAMP_INVALID",
  "TIMESTAMP_MISSING",
  "SIGNATURE_INVALID",
  "KEY_UNKNOWN",
  "KEY_EXPIRED",
  "KEY_REVOKED",
  "ALGORITHM_WEAK",
  "STATEMENT_MALFORMED",
  "SUBJECT_MISMATCH",
  "PREDICATE_UNSUPPORTED",
  "PREDICATE_MALFORMED",
  "PREDICATE_MISMATCH",
  "PUBLISHER_MISMATCH",
  "SIGNER_UNTRUSTED",
  "SIGNER_CHANGED",
]);

/**
 * The error object of the dialect that was asked in, always plain JSON whatever was negotiated. Its code is of the protocol's closed list (section 12.6);
 * `reason` says exactly what happened.
 */
export function problemBody(problem: Problem, context: ProblemContext): ReturnType<NonNullable<Ecosystem["problemBody"]>> {
  const status = statusOf(problem);
  const code = protocolCode({ ...problem, status });
  if (isApiV1Path(context.path)) return flatProblem({ ...problem, status }, code, context.base);
  const { title, detail, purl, why, fields } = problem;
  const error = {
    code,
    message: problem.kind === "refusal" ? `${title}: ${detail}` : detail,
    reason: problem.code,
    title,
    detail,
    ...(purl === undefined ? {} : { purl }),
    docs: why ?? `${context.base}/errors/${code}`,
    ...(why === undefined ? {} : { why }),
    ...(fields === undefined ? {} : { details: fields.map((one) => ({ ...one })) }),
  };
  return { contentType: "application/json", body: jsonBody({ error }), status };
}

/** The protocol ties its codes to statuses. Upstream's limit on us is one on whoever asks through us: the client is told to wait, and how long. */
function statusOf({ kind, code, detailCode, status }: Problem): number {
  if (kind === "refusal") return status;
  if (isProtocolCode(detailCode)) return PROTOCOL_CODES[detailCode].status;
  if (code === "UPSTREAM_RATE_LIMITED") return PROTOCOL_CODES.RATE_LIMITED.status;
  return DOWN.has(code) ? PROTOCOL_CODES.REGISTRY_UNAVAILABLE.status : status;
}

function protocolCode({ kind, status, code, detailCode }: Problem): ProtocolCode {
  if (kind === "refusal") return ABOUT_SIGNATURES.has(code) ? "SIGNATURE_INVALID" : "FORBIDDEN";
  if (isProtocolCode(detailCode)) return detailCode;
  if (status >= 500) return "REGISTRY_UNAVAILABLE";
  if (status === 405) return "FORBIDDEN";
  return BY_STATUS.get(status) ?? "BAD_REQUEST";
}

/** The first code of each status: for an error that says no more. */
const BY_STATUS: ReadonlyMap<number, ProtocolCode> = new Map(
  (Object.entries(PROTOCOL_CODES) as [ProtocolCode, { status: number }][]).toReversed().map(([code, { status }]) => [status, code]),
);
