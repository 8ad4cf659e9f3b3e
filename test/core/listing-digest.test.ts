import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type ListingEntry, listingDigest } from "../../src/core/listing-digest.ts";

const empty = createHash("sha256").update("").digest("hex");
const file = (path: string, more: Partial<Extract<ListingEntry, { kind: "file" }>> = {}): ListingEntry => ({
  kind: "file",
  path,
  executable: false,
  sizeBytes: 0,
  sha256: empty,
  ...more,
});

test.each<{ name: string; entries: readonly ListingEntry[] }>([
  { name: "another path", entries: [file("b")] },
  { name: "another content", entries: [file("a", { sha256: "0".repeat(64) })] },
  { name: "the permission to run", entries: [file("a", { executable: true })] },
  { name: "a link in the place of a file", entries: [{ kind: "link", path: "a", target: "b" }] },
  { name: "one file more", entries: [file("a"), file("b")] },
  { name: "a path that reads like two lines", entries: [file('a",false,0,""]\n["file","b')] },
  { name: "nothing", entries: [] },
])("$name is another listing", ({ entries }) => {
  expect(listingDigest(entries)).not.toBe(listingDigest([file("a")]));
});

test("the order in which entries are given does not count, and paths are sorted by their UTF-8 bytes", () => {
  const [first, second] = [file("\ufb00"), file("\u{1f600}")];
  const text = `assay-listing-v1\n["file","\ufb00",false,0,"${empty}"]\n["file","\u{1f600}",false,0,"${empty}"]\n`;
  expect(listingDigest([second, first])).toBe(createHash("sha256").update(text).digest("hex"));
  expect(listingDigest([first, second])).toBe(listingDigest([second, first]));
});

test("a link is its path and its target", () => {
  const text = 'assay-listing-v1\n["link","a","b/c"]\n';
  expect(listingDigest([{ kind: "link", path: "a", target: "b/c" }])).toBe(createHash("sha256").update(text).digest("hex"));
});
