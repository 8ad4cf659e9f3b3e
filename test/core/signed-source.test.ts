import { describe, expect, test } from "vitest";
import { AssayError, type ErrorCode } from "../../src/core/errors.ts";
import { found, passed } from "../../src/core/finding.ts";
import type { SignedItem } from "../../src/core/ports/ecosystem.ts";
import { askSource } from "../../src/core/signed-source.ts";

const ITEM: SignedItem = { kind: "openpgp", label: "OpenPGP signature", signature: Buffer.from("x") };

function failing(code: ErrorCode) {
  return askSource("the place", async () => {
    throw new AssayError(code, "it failed");
  });
}

describe("a place that could not be asked is never one that has nothing", () => {
  test.each<ErrorCode>([
    "OFFLINE",
    "UPSTREAM_ADDRESS",
    "UPSTREAM_AUTH",
    "UPSTREAM_CIRCUIT_OPEN",
    "UPSTREAM_RATE_LIMITED",
    "UPSTREAM_REDIRECT",
    "UPSTREAM_STATUS",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_TRUNCATED",
    "UPSTREAM_UNREACHABLE",
  ])("%s is unavailable", async (code) => {
    expect(await failing(code)).toEqual({ label: "the place", kind: "unavailable", detail: "it failed" });
  });

  test.each<[ErrorCode, string]>([
    ["UPSTREAM_MALFORMED", "BUNDLE_MALFORMED"],
    ["UPSTREAM_CONTENT_TYPE", "BUNDLE_MALFORMED"],
    ["UPSTREAM_LIMIT", "BUNDLE_LIMIT"],
  ])("%s is malformed", async (code, finding) => {
    expect(await failing(code)).toEqual({ label: "the place", kind: "malformed", code: finding, detail: "it failed" });
  });

  test("a finding keeps its code", async () => {
    const source = await askSource("the place", async () => found("BUNDLE_UNSUPPORTED", "of version 2"));
    expect(source).toEqual({ label: "the place", kind: "malformed", code: "BUNDLE_UNSUPPORTED", detail: "of version 2" });
  });

  test.each<ErrorCode>(["STORE_FULL", "STORE_CORRUPT", "BUSY"])("%s is our own failure, and is thrown", async (code) => {
    await expect(failing(code)).rejects.toMatchObject({ code });
  });
});

test("nothing and an empty list are absent, anything else is published", async () => {
  expect(await askSource("the place", async () => undefined)).toEqual({ label: "the place", kind: "absent" });
  expect(await askSource("the place", async () => passed([]))).toEqual({ label: "the place", kind: "absent" });
  expect(await askSource("the place", async () => passed([ITEM]))).toEqual({ label: "the place", kind: "published", items: [ITEM] });
});
