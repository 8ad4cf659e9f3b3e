import { AssayError } from "../core/errors.ts";
import { discard, type ExchangeAnswer } from "./exchange.ts";
import { describeUrl, UpstreamFailure } from "./upstream-failure.ts";

/** Statuses by which servers and the gateways before them say "not now". */
const MAY_PASS = new Set([500, 502, 503, 504, 520, 522, 524]);

/** The error for an answer that brings no content. Lets go of its body. 404 and 410 are the caller's to tell apart first. */
export async function statusFailure(answer: ExchangeAnswer): Promise<AssayError> {
  await discard(answer);
  const { status, url, headers } = answer;
  const where = describeUrl(url);
  const retryAfter = headers.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: headers.retryAfterSeconds };
  switch (status) {
    case 401:
    case 403:
      return new AssayError("UPSTREAM_AUTH", `upstream answers ${status}: ${where}`, {
        help: "check the upstream's `auth` in the configuration",
        upstreamStatus: status,
      });
    case 407:
      return new AssayError("UPSTREAM_AUTH", `the proxy wants credentials, or others (status 407): ${where}`, {
        help: "set user and password in the proxy's URL",
      });
    case 429:
      return new UpstreamFailure("UPSTREAM_RATE_LIMITED", `upstream asks for fewer requests (429): ${where}`, {
        ...retryAfter,
        mayPass: true,
      });
    default:
      return new UpstreamFailure("UPSTREAM_STATUS", `upstream answers ${status}: ${where}`, {
        ...retryAfter,
        mayPass: MAY_PASS.has(status),
        upstreamStatus: status,
      });
  }
}
