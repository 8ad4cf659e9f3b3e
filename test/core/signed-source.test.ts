import { describe, expect, test } from "vitest";
import { AssayError, type ErrorCode } from "../../src/core/errors.ts";
import { found, passed } from "../../src/core/finding.ts";
import type { SignedItem } from "../../src/core/ports/ecosystem.ts";
import { askSource } from "../../src/core/signed-source.ts";

const ITEM: SignedItem = { kind: "openpgp", label: "OpenPGP signature", signature: Buffer.from("x") };

const PLACE = { upstream: { id: "npm#internal", url: new URL("https://registry.example/") } };
const ANNOUNCED = { ...PLACE, announcedBy: "the packument" };
const AS_SERVED = { ...ANNOUNCED, upstream: { ...PLACE.upstream, evidence: "as_served" } } as const;

function failing(code: ErrorCode) {
  return askSource("the place", PLACE, async () => {
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
    const source = await askSource("the place", PLACE, async () => found("BUNDLE_UNSUPPORTED", "of version 2"));
    expect(source).toEqual({ label: "the place", kind: "malformed", code: "BUNDLE_UNSUPPORTED", detail: "of version 2" });
  });

  test.each<ErrorCode>(["STORE_FULL", "STORE_CORRUPT", "BUSY"])("%s is our own failure, and is thrown", async (code) => {
    await expect(failing(code)).rejects.toMatchObject({ code });
  });
});

test("nothing and an empty list are absent, anything else is published", async () => {
  expect(await askSource("the place", PLACE, async () => undefined)).toEqual({ label: "the place", kind: "absent" });
  expect(await askSource("the place", PLACE, async () => passed([]))).toEqual({ label: "the place", kind: "absent" });
  expect(await askSource("the place", PLACE, async () => passed([ITEM]))).toEqual({ label: "the place", kind: "published", items: [ITEM] });
});

describe("what was announced and is not there", () => {
  test("could not be had, and the way out is named", async () => {
    const source = await askSource("the place", ANNOUNCED, async () => undefined);
    expect(source).toMatchObject({
      kind: "unavailable",
      detail: expect.stringMatching(/the packument announces it.*`evidence: as_served`/),
    });
  });

  test("is absent, and says why, from an upstream that hands on none", async () => {
    const source = await askSource("the place", AS_SERVED, async () => undefined);
    expect(source).toMatchObject({ kind: "absent", detail: expect.stringMatching(/the packument announces it.*counts as absent/) });
  });

  test.each([
    { name: "405", error: new AssayError("UPSTREAM_STATUS", "it answers 405", { upstreamStatus: 405 }) },
    { name: "a page for people", error: new AssayError("UPSTREAM_CONTENT_TYPE", "it answers HTML") },
    { name: "an address where Assay may not go", error: new AssayError("UPSTREAM_ADDRESS", "it is elsewhere") },
  ])("$name is as good as nothing from such an upstream, and from no other", async ({ error }) => {
    const failed = async () => {
      throw error;
    };
    expect(await askSource("the place", AS_SERVED, failed)).toMatchObject({
      kind: "absent",
      detail: expect.stringContaining(error.message),
    });
    expect((await askSource("the place", ANNOUNCED, failed)).kind).not.toBe("absent");
  });

  test.each<ErrorCode>(["UPSTREAM_TIMEOUT", "UPSTREAM_UNREACHABLE", "UPSTREAM_STATUS", "OFFLINE"])(
    "%s, which may pass, is unavailable there too",
    async (code) => {
      const failed = async () => {
        throw new AssayError(code, "it failed", code === "UPSTREAM_STATUS" ? { upstreamStatus: 503 } : {});
      };
      expect(await askSource("the place", AS_SERVED, failed)).toMatchObject({ kind: "unavailable" });
    },
  );

  test("a bundle that is malformed stays so", async () => {
    expect(await askSource("the place", AS_SERVED, async () => found("BUNDLE_MALFORMED", "no bundle"))).toMatchObject({
      kind: "malformed",
    });
  });
});
