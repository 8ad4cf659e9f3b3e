import type { Ecosystem, Problem } from "../../core/ports/ecosystem.ts";
import { jsonBody } from "./page.ts";

/** Errors after which asking again may help: the registry is down, as the protocol sees it. Others on upstream's side stay 502. */
const DOWN: ReadonlySet<string> = new Set([
  "OFFLINE",
  "UPSTREAM_CIRCUIT_OPEN",
  "UPSTREAM_RATE_LIMITED",
  "UPSTREAM_STATUS",
  "UPSTREAM_TIMEOUT",
  "UPSTREAM_TRUNCATED",
  "UPSTREAM_UNREACHABLE",
]);

/**
 * The protocol's error object, always plain JSON whatever was negotiated. Its `code` is of the protocol's closed list (section 12.6), chosen by the
 * kind of status; `reason` says exactly what happened. 400, 406 and 413 have no code there, so our own stands in.
 */
export function problemBody(problem: Problem): ReturnType<NonNullable<Ecosystem["problemBody"]>> {
  const { title, detail, purl, why } = problem;
  const status = DOWN.has(problem.code) ? 503 : problem.status;
  const error = {
    code: protocolCode({ ...problem, status }),
    message: problem.kind === "refusal" ? `${title}: ${detail}` : detail,
    reason: problem.code,
    title,
    detail,
    ...(purl === undefined ? {} : { purl }),
    ...(why === undefined ? {} : { docs: why, why }),
  };
  return { contentType: "application/json", body: jsonBody({ error }), status };
}

function protocolCode({ status, code, detailCode }: Problem): string {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403 || status === 405) return "FORBIDDEN";
  if (status === 404) return detailCode ?? "PACKAGE_NOT_FOUND";
  if (status === 429) return "RATE_LIMITED";
  if (status >= 500) return "REGISTRY_UNAVAILABLE";
  return code;
}
