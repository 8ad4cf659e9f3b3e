import { expect, test } from "vitest";
import { formatIntegrity, parseDigest, parseHexChecksum, parseIntegrity } from "../../src/core/digest.ts";

test.each(["", "ab", "g".repeat(64), `${"a".repeat(64)}\n`, "a".repeat(63), "a".repeat(65)])("%j is no sha256", (text) => {
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("a claim of the wrong length is malformed, an algorithm we do not know is no claim", () => {
  expect(() => parseHexChecksum("sha256", "abcd", "the index")).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  expect(() => parseHexChecksum("sha256", "zz".repeat(32), "the index")).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  expect(parseHexChecksum("crc32", "abcd", "the index")).toBeUndefined();
});

test.each([
  { text: `sha256-${"ab".repeat(32)}`, hex: "ab".repeat(32) },
  { text: `sha256:${"AB".repeat(32)}`, hex: "ab".repeat(32) },
  { text: `sha256-${Buffer.from("ab".repeat(32), "hex").toString("base64")}`, hex: "ab".repeat(32) },
  { text: `md4-abcd sha256-${"ab".repeat(32)}?ct=application/gzip`, hex: "ab".repeat(32) },
])("$text is read", ({ text, hex }) => {
  expect(parseIntegrity(text, "x")).toEqual([{ algorithm: "sha256", hex, claimedBy: "x" }]);
});

test("an integrity of the wrong length is malformed, and what we write we read", () => {
  expect(() => parseIntegrity("sha512-abcd", "x")).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  const hex = "0f".repeat(64);
  expect(parseIntegrity(formatIntegrity("sha512", hex), "x")).toEqual([{ algorithm: "sha512", hex, claimedBy: "x" }]);
});
