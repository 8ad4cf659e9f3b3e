import { expect, test } from "vitest";
import { parseFileGlob } from "../../../../src/ecosystems/aam/pack/file-glob.ts";
import { isSelected } from "../../../../src/ecosystems/aam/pack/packlist.ts";

function selects(patterns: readonly string[] | undefined, path: string): boolean {
  const globs = patterns?.map((pattern) => {
    const parsed = parseFileGlob(pattern);
    if (!parsed.ok) throw new Error(`expected ${parsed.expected}`);
    return parsed.value;
  });
  return isSelected(path, globs);
}

test.each<[pattern: string, path: string, selected: boolean]>([
  ["**", "node_modules/x.js", false],
  [".git/**", ".git/config", false],
  ["evals/reports/1.json", "evals/reports/1.json", false],
  ["evals/**", "evals/reports", false],
  ["*.md", "docs/a.md", false],
  ["docs/*", "docs/a/b.md", false],
  ["doc", "docs", false],
  ["docs", "docs.md", false],
  ["docs", "a/docs/b", false],
  ["*", "docs/a.md", false],
  ["docs/*/", "docs/a.md", false],
  ["**/docs/**/a.md", "docs.md", false],
  ["*.md", "a.md", true],
  ["*", ".env", true],
  ["docs", "docs/a/b.md", true],
  ["docs/", "docs/a/b.md", true],
  ["./docs/**", "docs/a/b.md", true],
  ["docs/*/", "docs/a/b.md", true],
  ["**/a.md", "a.md", true],
  ["**/a.md", "x/y/a.md", true],
  ["**/**/a.md", "x/a.md", true],
  ["x/**/a*.md", "x/a1.md", true],
  ["nothing", "LICENSE.md", true],
  ["nothing", "x/LICENSE.md", false],
])("%s with %s: %s", (pattern, path, selected) => {
  expect(selects([pattern], path)).toBe(selected);
});

test.each(["", ".", "..", "/a", "C:a", "a//b", "a/../b", "!a", "a?", "[a]", "{a,b}", "a\\b", "a**", "**a/b", "***", "a".repeat(513)])(
  "%s is no pattern",
  (pattern) => {
    expect(parseFileGlob(pattern).ok).toBe(false);
  },
);

test("a pattern that is made to be slow is not", () => {
  const started = performance.now();
  expect(selects([`${"**/a*a*a*a*a*a/".repeat(30)}b`], `${"aaaaaaaaaaaaaaaaaaaaaaaaa/".repeat(40)}c`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(5_000);
});
