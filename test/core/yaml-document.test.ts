import { expect, test } from "vitest";
import { parseYamlObject } from "../../src/core/yaml-document.ts";

const parse = (text: string, maxDepth = 20) => parseYamlObject(Buffer.from(text), { maxDepth, source: "a test" });

test.each([
  ["a list", "- a", "UPSTREAM_MALFORMED"],
  ["text", "a", "UPSTREAM_MALFORMED"],
  ["nothing", "", "UPSTREAM_MALFORMED"],
  ["a repeated key", "a: 1\na: 2", "UPSTREAM_MALFORMED"],
  ["a repeated key further down", "x:\n - {a: 1, a: 2}", "UPSTREAM_MALFORMED"],
  ["a key repeated as a number and as text", "{1: a, '1': b}", "UPSTREAM_MALFORMED"],
  ["a composite key", "? [a]\n: b", "UPSTREAM_MALFORMED"],
  ["an alias for a key", "a: &x k\n*x : b", "UPSTREAM_MALFORMED"],
  ["a custom tag", "a: !secret b", "UPSTREAM_MALFORMED"],
  ["a second document", "a: 1\n---\nb: 1", "UPSTREAM_MALFORMED"],
  ["an anchor that does not exist", "a: *nobody", "UPSTREAM_MALFORMED"],
  ["a recursive alias", "a: &x {b: *x}", "UPSTREAM_LIMIT"],
  ["more aliases than the cap", `a: &x [1, 2]\nl: [${Array(101).fill("*x").join(", ")}]`, "UPSTREAM_MALFORMED"],
  [
    "a thousand million laughs",
    `a: &a [x, x]\n${[..."bcdefghijklmnopqrstuvwxyz"].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${"abcdefghijklmnopqrstuvwxyz"[i]}`).join(",")}]\n`).join("")}`,
    "UPSTREAM_MALFORMED",
  ],
  ["nesting one past the limit", "a: {b: {c: {}}}", "UPSTREAM_LIMIT"],
  ["nesting that only aliases make", "a: &x {b: {}}\nc: {d: *x}", "UPSTREAM_LIMIT"],
  ["a stack of a hundred thousand brackets", `a: ${"[".repeat(100_000)}`, "UPSTREAM_MALFORMED"],
  ["a stack of twenty thousand hyphens", `a:\n ${"- ".repeat(20_000)}b`, "UPSTREAM_MALFORMED"],
])("%s is refused", (_, text, code) => {
  expect(() => parse(text, 3)).toThrow(expect.objectContaining({ code }));
});

test("composite keys are refused before they are turned into text, which takes exponential time", () => {
  const started = performance.now();
  expect(() => parse(`${"? ".repeat(300)}a`, 10_000)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("many keys are compared in one pass", () => {
  const text = Array.from({ length: 40_000 }, (_, i) => `k${i}: 1\n`).join("");
  const started = performance.now();
  expect(Object.keys(parse(text))).toHaveLength(40_000);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test.each([
  [
    "what the client writes",
    "name: '@a/b'\nversions:\n- version: 1.0.0\n  size: 3\n",
    { name: "@a/b", versions: [{ version: "1.0.0", size: 3 }] },
  ],
  ["the client's anchors", "a: &id001 [x]\nb: *id001\n", { a: ["x"], b: ["x"] }],
  ["a merge key as a plain one", "<<: {a: 1}\nb: 2", { "<<": { a: 1 }, b: 2 }],
  ["YAML 1.1 words as text", "a: no\nb: 2026-01-01", { a: "no", b: "2026-01-01" }],
  ["nesting at the limit", "a: {b: {}}", { a: { b: {} } }],
])("%s is read", (_, text, value) => {
  expect(parse(text, 3)).toEqual(value);
});
