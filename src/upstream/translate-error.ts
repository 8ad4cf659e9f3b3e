import { errors } from "undici";
import { AssayError } from "../core/errors.ts";
import { describeUrl, UpstreamFailure } from "./upstream-failure.ts";

/** Before the headers nothing has been read; in the body an ended connection means missing bytes. */
type Stage = "headers" | "body";

/**
 * What undici, node:net, node:tls and node:dns throw, as one of our codes. Errors of our own pass through.
 * A connection that ends before the announced length is UPSTREAM_TRUNCATED whether it was reset or closed in order:
 * a crashed server's kernel closes in order too, so the difference says nothing. UPSTREAM_LENGTH is left for contradictions that can be proved.
 */
export function translateError(error: unknown, stage: Stage, url: URL): AssayError {
  if (error instanceof AssayError) return error;
  const code = codeOf(error);
  const where = describeUrl(url);
  switch (code) {
    case "UND_ERR_CONNECT_TIMEOUT":
      return new UpstreamFailure("UPSTREAM_TIMEOUT", `could not connect in time: ${where}`, { cause: error, mayPass: false });
    case "UND_ERR_HEADERS_TIMEOUT":
      return new UpstreamFailure("UPSTREAM_TIMEOUT", `no answer in time: ${where}`, { cause: error, mayPass: false });
    case "ETIMEDOUT":
      return new UpstreamFailure("UPSTREAM_TIMEOUT", `the connection timed out: ${where}`, { cause: error, mayPass: false });
    case "UND_ERR_BODY_TIMEOUT":
      return new UpstreamFailure("UPSTREAM_TIMEOUT", `the answer stalled midway: ${where}`, { cause: error, mayPass: false });
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
      // Before the headers are through it stands for lengths that contradict each other; `readBody` sorts out the rest.
      return new UpstreamFailure(
        stage === "body" ? "UPSTREAM_LENGTH" : "UPSTREAM_MALFORMED",
        `the body is not as long as its Content-Length says: ${where}`,
        { cause: error, mayPass: stage === "body" },
      );
    case "UND_ERR_HEADERS_OVERFLOW":
      return new UpstreamFailure("UPSTREAM_LIMIT", `the answer's headers are too large: ${where}`, { cause: error, mayPass: false });
  }
  // undici hands over the bytes that it could not parse. None means that the connection ended too early.
  if (error instanceof errors.HTTPParserError && !("data" in error && error.data === "")) {
    return new UpstreamFailure("UPSTREAM_MALFORMED", `the answer is not valid HTTP: ${where}`, { cause: error, mayPass: false });
  }
  if (isCertificateProblem(code)) {
    return new UpstreamFailure("UPSTREAM_UNREACHABLE", `its certificate is not trusted (${code}): ${where}`, {
      cause: error,
      mayPass: false,
      help: "set the upstream's `ca` to the file of the authority that issued it",
    });
  }
  return interrupted(error, stage, url);
}

function interrupted(error: unknown, stage: Stage, url: URL): UpstreamFailure {
  if (stage === "body") return truncated(url, error);
  return new UpstreamFailure("UPSTREAM_UNREACHABLE", `cannot be reached (${codeOf(error) || "connection failed"}): ${describeUrl(url)}`, {
    cause: error,
    mayPass: true,
  });
}

export function truncated(url: URL, cause: unknown): UpstreamFailure {
  return new UpstreamFailure("UPSTREAM_TRUNCATED", `the connection ended before the body did: ${describeUrl(url)}`, {
    cause,
    mayPass: true,
  });
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** OpenSSL's verification results and Node's own name check. */
function isCertificateProblem(code: string): boolean {
  return code.startsWith("ERR_TLS_CERT") || code.startsWith("CERT_") || code.includes("_CERT") || code.startsWith("UNABLE_TO_");
}
