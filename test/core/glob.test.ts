import { describe, expect, test } from "vitest";
import { type Glob, globCovers, MAX_GLOB_CHARACTERS, matchGlob, parseGlob } from "../../src/core/glob.ts";
import { Random } from "../support/random.ts";

function glob(text: string, stops = "/@"): Glob {
  const parsed = parseGlob(text, stops);
  if (!parsed.ok) throw new Error(`${text}: expected ${parsed.expected}`);
  return parsed.value;
}

/** What a pattern means, said as plainly as possible: by trying every length for every wildcard. */
function reference(pattern: string, text: string, stops: string): boolean {
  if (pattern === "") return text === "";
  const isGlobstar = pattern.startsWith("**");
  if (!isGlobstar && !pattern.startsWith("*"))
    return text !== "" && text[0] === pattern[0] && reference(pattern.slice(1), text.slice(1), stops);
  const rest = pattern.slice(isGlobstar ? 2 : 1);
  for (let length = 0; length <= text.length; length++) {
    if (reference(rest, text.slice(length), stops)) return true;
    if (!isGlobstar && stops.includes(text.charAt(length))) return false;
  }
  return false;
}

describe("what a pattern does not match", () => {
  test.each([
    { pattern: "*@acme.com", text: "eve@evil.com/x@acme.com", why: "a star crosses no slash" },
    { pattern: "*@acme.com", text: "eve@x@acme.com", why: "a star crosses no @" },
    { pattern: "*@acme.com", text: "eve@acme.com.evil", why: "anchored at the end" },
    { pattern: "alice@acme.com", text: "malice@acme.com", why: "anchored at the start" },
    { pattern: "alice@acme.com", text: "alice@acmeXcom", why: "a dot is a dot" },
    { pattern: "a+b@acme.com", text: "aab@acme.com", why: "a plus is a plus" },
    { pattern: "[ab]", text: "a", why: "brackets are brackets" },
    { pattern: "a?", text: "ab", why: "a question mark is one" },
    { pattern: "*", text: "a/b", why: "also alone" },
    { pattern: "a*b", text: "a", why: "literal text after a wildcard must be there" },
    { pattern: "ab", text: "", why: "nothing is not something" },
  ])("$pattern against $text: $why", ({ pattern, text }) => {
    expect(matchGlob(glob(pattern), text)).toBe(false);
  });

  test.each(["", "***", "a****", "a".repeat(MAX_GLOB_CHARACTERS + 1)])("%j is no pattern", (text) => {
    expect(parseGlob(text, "/").ok).toBe(false);
  });
});

test.each([
  { pattern: "a+b@acme.com", text: "a+b@acme.com" },
  { pattern: "**@acme.com", text: "a/b@c@acme.com" },
  { pattern: "*", text: "" },
  { pattern: "**", text: "" },
  { pattern: "a*b*c", text: "abbc" },
  { pattern: "*/**", text: "a/b/c" },
  { pattern: "a".repeat(MAX_GLOB_CHARACTERS), text: "a".repeat(MAX_GLOB_CHARACTERS) },
])("$pattern matches $text", ({ pattern, text }) => {
  expect(matchGlob(glob(pattern), text)).toBe(true);
});

const PIECES = ["a", "b", "/", "@", "*", "**", "."] as const;
const CHARACTERS = ["a", "b", "/", "@", ".", "*"] as const;

test("20 000 random patterns and texts agree with the reference", () => {
  const random = new Random(1);
  let matched = 0;
  for (let round = 0; round < 20_000; round++) {
    const parsed = parseGlob(random.text(PIECES, 6), "/@");
    if (!parsed.ok) continue;
    const text = random.text(CHARACTERS, 7);
    const expected = reference(parsed.value.text, text, "/@");
    expect(matchGlob(parsed.value, text), `${parsed.value.text} against ${text}`).toBe(expected);
    if (expected) matched++;
  }
  expect(matched).toBeGreaterThan(500);
});

test("a pattern covers another exactly where every text says so", () => {
  const random = new Random(2);
  const texts = Array.from({ length: 3000 }, () => random.text(CHARACTERS, 6));
  let covered = 0;
  for (let round = 0; round < 1500; round++) {
    const [outer, inner] = [parseGlob(random.text(PIECES, 4), "/"), parseGlob(random.text(PIECES, 4), "/")];
    if (!outer.ok || !inner.ok) continue;
    const counterexample = texts.find((text) => matchGlob(inner.value, text) && !matchGlob(outer.value, text));
    const covers = globCovers(outer.value, inner.value);
    if (covers) {
      covered++;
      expect(counterexample, `${outer.value.text} is said to cover ${inner.value.text}`).toBeUndefined();
    }
  }
  expect(covered).toBeGreaterThan(50);
});

test.each([
  { outer: "a*", inner: "ab*", covers: true },
  { outer: "ab*", inner: "a*", covers: false },
  { outer: "**", inner: "*/*", covers: true },
  { outer: "*", inner: "**", covers: false },
  { outer: "*/*", inner: "**", covers: false },
  { outer: "*a*", inner: "*aa*", covers: true },
  { outer: "*aa*", inner: "*a*", covers: false },
  { outer: "a*", inner: "a*", covers: true },
  { outer: "abc", inner: "abc", covers: true },
  { outer: "abc", inner: "ab*", covers: false },
])("$outer covers $inner: $covers", ({ outer, inner, covers }) => {
  expect(globCovers(glob(outer, "/"), glob(inner, "/"))).toBe(covers);
});

test("a pattern made to backtrack is matched in time that grows with the text alone", () => {
  const hostile = glob("*a".repeat(MAX_GLOB_CHARACTERS / 2), "");
  const started = performance.now();
  expect(matchGlob(hostile, `${"a".repeat(20_000)}b`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});

test("patterns made to blow up the comparison answer no in time", () => {
  const started = performance.now();
  expect(globCovers(glob(`**a${"b*".repeat(60)}`, ""), glob(`**a**${"*b".repeat(60)}`.replaceAll("***", "**"), ""))).toBe(false);
  expect(performance.now() - started).toBeLessThan(5000);
});
