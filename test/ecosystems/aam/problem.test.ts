import { expect, test } from "vitest";
import { AssayError, ERROR_CODES } from "../../../src/core/errors.ts";
import type { Problem } from "../../../src/core/ports/ecosystem.ts";
import { problemBody } from "../../../src/ecosystems/aam/problem.ts";
import { PROTOCOL_CODES } from "../../../src/ecosystems/aam/protocol-codes.ts";
import { problemOfError } from "../../../src/http/problem.ts";

const BASE = "http://127.0.0.1:8740/aam";
const UAAPS = { path: "/packages/git-utils", base: BASE };
const API_V1 = { path: "/api/v1/packages/git-utils", base: BASE };

function bodyOf(problem: Problem, context: typeof UAAPS): { readonly status: number | undefined; readonly body: Record<string, unknown> } {
  const own = problemBody(problem, context);
  expect(own?.contentType).toBe("application/json");
  return { status: own?.status, body: JSON.parse(String(own?.body)) as Record<string, unknown> };
}

/** Every error code of both dialects, and what brings it about; 400, 406 and 413 have no code in either, the rest of a line is the AAM dialect's. */
test.each([
  ["a package that is not there", "NOT_FOUND", "PACKAGE_NOT_FOUND", 404, "PACKAGE_NOT_FOUND", 404, "package_not_found"],
  ["a version that is not there", "NOT_FOUND", "VERSION_NOT_FOUND", 404, "VERSION_NOT_FOUND", 404, "version_not_found"],
  ["a tag that is not there", "NOT_FOUND", "TAG_NOT_FOUND", 404, "TAG_NOT_FOUND", 404, "tag_not_found"],
  ["a path that is not there", "NOT_FOUND", undefined, 404, "PACKAGE_NOT_FOUND", 404, "package_not_found"],
  ["a tag of a yanked version", "GONE", "PACKAGE_YANKED", 410, "PACKAGE_YANKED", 410, "package_yanked"],
  ["a manifest that is not valid", "BAD_REQUEST", "MANIFEST_INVALID", 422, "MANIFEST_INVALID", 400, "invalid_manifest"],
  ["a signature that is not valid", "BAD_REQUEST", "SIGNATURE_INVALID", 403, "SIGNATURE_INVALID", 400, "signature_invalid"],
  ["a write", "METHOD_NOT_ALLOWED", undefined, 405, "FORBIDDEN", 405, "forbidden"],
  ["a bad cursor", "BAD_REQUEST", undefined, 400, "BAD_REQUEST", 400, "bad_request"],
  ["another media type", "NOT_ACCEPTABLE", undefined, 406, "NOT_ACCEPTABLE", 406, "not_acceptable"],
  ["a body that is too large", "PAYLOAD_TOO_LARGE", undefined, 413, "PAYLOAD_TOO_LARGE", 413, "payload_too_large"],
  ["an upstream that lets us wait", "UPSTREAM_RATE_LIMITED", undefined, 429, "RATE_LIMITED", 429, "rate_limited"],
  ["an upstream that is down", "UPSTREAM_UNREACHABLE", undefined, 503, "REGISTRY_UNAVAILABLE", 503, "registry_unavailable"],
  ["an upstream that is slow", "UPSTREAM_TIMEOUT", undefined, 503, "REGISTRY_UNAVAILABLE", 503, "registry_unavailable"],
  ["no connection wanted", "OFFLINE", undefined, 503, "REGISTRY_UNAVAILABLE", 503, "registry_unavailable"],
  ["an upstream that lies", "UPSTREAM_MALFORMED", undefined, 502, "REGISTRY_UNAVAILABLE", 502, "registry_unavailable"],
] as const)("%s: %s", (_, errorCode, detailCode, status, code, flatStatus, flatCode) => {
  const problem = problemOfError(new AssayError(errorCode, "no", detailCode === undefined ? {} : { detailCode }));
  const docs = `${BASE}/errors/${code}`;
  expect(bodyOf(problem, UAAPS)).toEqual({
    status,
    body: { error: expect.objectContaining({ code, reason: errorCode, message: "no", docs }) },
  });
  expect(bodyOf(problem, API_V1)).toEqual({ status: flatStatus, body: { error: flatCode, message: "no", reason: errorCode, docs } });
});

test.each([
  [401, "UNAUTHORIZED", 401, "unauthorized"],
  [403, "FORBIDDEN", 403, "forbidden"],
  [409, "VERSION_CONFLICT", 409, "version_exists"],
  [422, "MANIFEST_INVALID", 400, "invalid_manifest"],
  [418, "BAD_REQUEST", 418, "bad_request"],
  [507, "REGISTRY_UNAVAILABLE", 507, "registry_unavailable"],
])("an error of status %i that says no more is %s", (status, code, flatStatus, flatCode) => {
  const problem: Problem = { kind: "error", status, code: "X", title: "X", detail: "no" };
  expect(bodyOf(problem, UAAPS)).toMatchObject({ status, body: { error: { code } } });
  expect(bodyOf(problem, API_V1)).toMatchObject({ status: flatStatus, body: { error: flatCode } });
});

test.each(ERROR_CODES)("%s has a code that clients know", (code) => {
  const problem = problemOfError(new AssayError(code, "no"));
  expect(Object.keys(PROTOCOL_CODES)).toContain((bodyOf(problem, UAAPS).body["error"] as Record<string, unknown>)["code"]);
});

test.each([
  ["/api/v1/packages/x", "string"],
  ["/api/v1", "string"],
  ["/%61pi/v1/packages/x", "string"],
  ["/api/v1/%E0%A4%A", "string"],
  ["/api/v1packages", "object"],
  ["/api/%00/x", "object"],
  ["/%zz/v1/x", "object"],
  ["", "object"],
])("the error of a path like %j is a %s", (path, type) => {
  expect(bodyOf(problemOfError(new AssayError("BAD_REQUEST", "no")), { path, base: BASE }).body["error"]).toBeTypeOf(type as "string");
});

const refusalOf = (code: string): Problem => ({
  kind: "refusal",
  status: 403,
  code,
  title: "Refused by Assay: git-utils 1.0.1",
  detail: "expected sha256 3a7b, got 91cc",
  purl: "pkg:aam/git-utils@1.0.1",
  why: "http://127.0.0.1:8740/api/v1/artifacts?purl=x",
});

test.each([
  ["SIGNATURE_INVALID", "SIGNATURE_INVALID", "signature_invalid"],
  ["SIGNER_UNTRUSTED", "SIGNATURE_INVALID", "signature_invalid"],
  ["SUBJECT_MISMATCH", "SIGNATURE_INVALID", "signature_invalid"],
  ["SIGNATURE_MISSING", "FORBIDDEN", "forbidden"],
  ["PROVENANCE_TOO_LOW", "FORBIDDEN", "forbidden"],
  ["DENIED", "FORBIDDEN", "forbidden"],
  ["CHECKSUM_MISMATCH", "FORBIDDEN", "forbidden"],
])("a refusal for %s is 403 in both dialects: %s, %s", (reason, code, flatCode) => {
  expect(bodyOf(refusalOf(reason), UAAPS)).toMatchObject({ status: 403, body: { error: { code, reason } } });
  expect(bodyOf(refusalOf(reason), API_V1)).toMatchObject({ status: 403, body: { error: flatCode, reason } });
});

test("a refusal says what, why and where to read more", () => {
  const refusal = refusalOf("CHECKSUM_MISMATCH");
  expect(bodyOf(refusal, UAAPS).body["error"]).toEqual({
    code: "FORBIDDEN",
    reason: "CHECKSUM_MISMATCH",
    message: "Refused by Assay: git-utils 1.0.1: expected sha256 3a7b, got 91cc",
    title: refusal.title,
    detail: refusal.detail,
    purl: refusal.purl,
    why: refusal.why,
    docs: refusal.why,
  });
});
