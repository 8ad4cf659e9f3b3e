import { expect, test } from "vitest";
import { parseYamlText } from "../../src/core/yaml-text.ts";

test.each([
  {
    attack: "aliases that multiply",
    text: `a: &a [x]\n${["b", "c", "d", "e"].map((key, i) => `${key}: &${key} [${`*${"abcd"[i]},`.repeat(9)}]`).join("\n")}`,
  },
  { attack: "an alias of itself", text: "a: &a [*a, *a]" },
  { attack: "65 levels", text: `${"[".repeat(65)}${"]".repeat(65)}` },
  { attack: "nesting that overflows the parser", text: "[".repeat(20_000) },
  { attack: "an alias of nothing", text: "a: *b" },
  { attack: "a tag nobody knows", text: "a: !!js/function x" },
  { attack: "two documents", text: "a: 1\n---\nb: 2" },
])("$attack is a problem of the text, with a place", ({ text }) => {
  const { problems } = parseYamlText(text);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems[0]?.at).toMatch(/^\d+:\d+$/);
});

test("a duplicate key is told, and the values can be checked all the same", () => {
  const { problems, values } = parseYamlText("a: 1\na: 2\nb: 3");
  expect(problems).toEqual([{ at: "2:1", text: "Map keys must be unique" }]);
  expect(values).toMatchObject({ b: 3 });
});

test("64 levels are read", () => {
  expect(parseYamlText(`${"[".repeat(64)}${"]".repeat(64)}`).problems).toEqual([]);
});
