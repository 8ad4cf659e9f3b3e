import { expect, test } from "vitest";
import { AssayError, ERROR_CODES } from "../../../src/core/errors.ts";
import type { Problem } from "../../../src/core/ports/ecosystem.ts";
import { problemBody } from "../../../src/ecosystems/aam/problem.ts";
import { problemOfError } from "../../../src/http/problem.ts";

function errorObject(problem: Problem): Record<string, unknown> {
  const own = problemBody(problem);
  expect(own?.contentType).toBe("application/json");
  return (JSON.parse(String(own?.body)) as { error: Record<string, unknown> }).error;
}

test.each([
  ["a package that is not there", new AssayError("NOT_FOUND", "no", { detailCode: "PACKAGE_NOT_FOUND" }), 404, "PACKAGE_NOT_FOUND"],
  ["a version that is not there", new AssayError("NOT_FOUND", "no", { detailCode: "VERSION_NOT_FOUND" }), 404, "VERSION_NOT_FOUND"],
  ["a path that is not there", new AssayError("NOT_FOUND", "no"), 404, "PACKAGE_NOT_FOUND"],
  ["a write", new AssayError("METHOD_NOT_ALLOWED", "no"), 405, "FORBIDDEN"],
  ["a bad cursor", new AssayError("BAD_REQUEST", "no"), 400, "BAD_REQUEST"],
  ["another media type", new AssayError("NOT_ACCEPTABLE", "no"), 406, "NOT_ACCEPTABLE"],
  ["an upstream that is down", new AssayError("UPSTREAM_UNREACHABLE", "no"), 503, "REGISTRY_UNAVAILABLE"],
  ["an upstream that is slow", new AssayError("UPSTREAM_TIMEOUT", "no"), 503, "REGISTRY_UNAVAILABLE"],
  ["no connection wanted", new AssayError("OFFLINE", "no"), 503, "REGISTRY_UNAVAILABLE"],
  ["an upstream that lies", new AssayError("UPSTREAM_MALFORMED", "no"), 502, "REGISTRY_UNAVAILABLE"],
])("%s", (_, error, status, code) => {
  const problem = problemOfError(error);
  expect(problemBody(problem)?.status).toBe(status);
  expect(errorObject(problem)).toMatchObject({ code, reason: error.code, message: "no" });
});

/** The protocol's closed list, and what it has no word for. */
const KNOWN = ["PACKAGE_NOT_FOUND", "FORBIDDEN", "REGISTRY_UNAVAILABLE", "BAD_REQUEST", "NOT_ACCEPTABLE", "PAYLOAD_TOO_LARGE", "USAGE"];

test.each(ERROR_CODES)("%s has a code that clients know", (code) => {
  expect(KNOWN).toContain(errorObject(problemOfError(new AssayError(code, "no")))["code"]);
});

test("a refusal says what, why and where to read more", () => {
  const refusal: Problem = {
    kind: "refusal",
    status: 403,
    code: "CHECKSUM_MISMATCH",
    title: "Refused by Assay: git-utils 1.0.1",
    detail: "expected sha256 3a7b, got 91cc",
    purl: "pkg:aam/git-utils@1.0.1",
    why: "http://127.0.0.1:8740/api/v1/artifacts?purl=x",
  };
  expect(errorObject(refusal)).toEqual({
    code: "FORBIDDEN",
    reason: "CHECKSUM_MISMATCH",
    message: "Refused by Assay: git-utils 1.0.1: expected sha256 3a7b, got 91cc",
    title: refusal.title,
    detail: refusal.detail,
    purl: refusal.purl,
    why: refusal.why,
    docs: refusal.why,
  });
  expect(problemBody(refusal)?.status).toBe(403);
});
