import { expect, test } from "vitest";
import { suggest } from "../../src/core/suggest.ts";

const KEYS = ["host", "port", "metadata_ttl", "negative_ttl"];

test.each([
  ["prot", "port"],
  ["prt", "port"],
  ["metadta_tll", "metadata_ttl"],
  ["xyzzy", undefined],
  ["hopt", "host"],
  ["a".repeat(65), undefined],
])("%s suggests %s", (text, near) => {
  expect(suggest(text, KEYS)).toBe(near);
});
