import { describe, expect, test } from "vitest";
import type { PurlPattern } from "../../src/core/policy.ts";
import { type Coordinates, matchPurl, parsePurlPattern, purlCovers } from "../../src/policy/purl-pattern.ts";

function pattern(text: string): PurlPattern {
  const parsed = parsePurlPattern(text);
  if (!parsed.ok) throw new Error(`${text}: expected ${parsed.expected}`);
  return parsed.value;
}

const npm = (name: string, version = "1.0.0"): Coordinates => ({ ecosystem: "npm", name, version });
const pypi = (name: string, version = "1.0", file?: string): Coordinates => ({
  ecosystem: "pypi",
  name,
  version,
  ...(file ? { file } : {}),
});

describe("what a pattern does not mean", () => {
  test.each([
    { text: "pkg:npm/*", of: npm("@acme/tool"), why: "a star stops at the slash of a scope" },
    { text: "pkg:npm/@acme/*", of: npm("@acme-evil/tool"), why: "a scope is whole" },
    { text: "pkg:npm/@acme/*", of: npm("@acme"), why: "a scope is no package" },
    { text: "pkg:npm/tool", of: npm("tool-evil"), why: "anchored at the end" },
    { text: "pkg:npm/tool", of: npm("eviltool"), why: "anchored at the start" },
    { text: "pkg:npm/tool", of: { ecosystem: "aam" as const, name: "tool", version: "1.0.0" }, why: "another ecosystem" },
    { text: "pkg:npm/jsonstream", of: npm("JSONStream"), why: "old npm names differ by capitals" },
    { text: "pkg:npm/tool@1.0.0", of: npm("tool", "1.0.0-rc.1"), why: "a version is whole" },
    { text: "pkg:npm/tool@1.0.0", of: npm("tool", "v1.0.0"), why: "npm versions are compared as written" },
    { text: "pkg:pypi/acme-*", of: pypi("acme"), why: "the separator must be there" },
    { text: "pkg:pypi/six@1.0?file_name=six-1.0.tar.gz", of: pypi("six", "1.0", "six-1.0-py3-none-any.whl"), why: "another file" },
    { text: "pkg:pypi/six@1.0?file_name=six-1.0.tar.gz", of: pypi("six"), why: "one file is not the whole version" },
  ])("$text is not $of.name $of.version: $why", ({ text, of }) => {
    expect(matchPurl(pattern(text), of)).toBe(false);
  });
});

test.each([
  { text: "pkg:npm/%40acme/*", of: npm("@acme/tool") },
  { text: "pkg:npm/@acme/*", of: npm("@acme/tool") },
  { text: "pkg:NPM/@acme/*", of: npm("@acme/tool") },
  { text: "pkg:npm/**", of: npm("@acme/tool") },
  { text: "pkg:npm/*", of: npm("tool") },
  { text: "pkg:*/**", of: npm("@acme/tool") },
  { text: "pkg:*/@acme/*", of: { ecosystem: "aam" as const, name: "@acme/tool", version: "1.0.0" } },
  { text: "pkg:npm/*/tool", of: npm("@acme/tool") },
  { text: "pkg:npm/JSONStream", of: npm("JSONStream") },
  { text: "pkg:npm/@acme/tool@1.0.0", of: npm("@acme/tool") },
  { text: "pkg:npm/tool@1.*", of: npm("tool", "1.2.3-rc.1") },
  { text: "pkg:pypi/Acme_Tool.x", of: pypi("acme-tool-x") },
  { text: "pkg:pypi/Acme_*", of: pypi("acme-tool") },
  { text: "pkg:pypi/six@1.0", of: pypi("six", "1.0.0") },
  { text: "pkg:pypi/six@1.0?file_name=six-1.0.tar.gz", of: pypi("six", "1.0", "six-1.0.tar.gz") },
  { text: "pkg:aam/tool@1.0.0%2Bbuild.1", of: { ecosystem: "aam" as const, name: "tool", version: "1.0.0+build.1" } },
])("$text is $of.name $of.version", ({ text, of }) => {
  expect(matchPurl(pattern(text), of)).toBe(true);
});

test.each([
  { outer: "pkg:npm/**", inner: "pkg:npm/@acme/*", covers: true },
  { outer: "pkg:*/**", inner: "pkg:npm/a", covers: true },
  { outer: "pkg:npm/*", inner: "pkg:npm/@acme/*", covers: false },
  { outer: "pkg:npm/a@1.*", inner: "pkg:npm/a", covers: false },
  { outer: "pkg:npm/a", inner: "pkg:npm/a@1.*", covers: true },
  { outer: "pkg:pypi/acme-*", inner: "pkg:pypi/ACME_tool", covers: true },
  { outer: "pkg:npm/a", inner: "pkg:*/a", covers: false },
  { outer: "pkg:pypi/a?file_name=x", inner: "pkg:pypi/a", covers: false },
])("$outer covers $inner: $covers", ({ outer, inner, covers }) => {
  expect(purlCovers(pattern(outer), pattern(inner))).toBe(covers);
});
