import { expect, test } from "vitest";
import { visibleText } from "../../src/core/visible-text.ts";

test.each([
  { name: "an escape sequence", text: "a\u001b[2Jb", shown: "a [2Jb" },
  { name: "its one-character form", text: "a\u009b2Jb", shown: "a 2Jb" },
  { name: "writing that runs backwards", text: "a\u202eb", shown: "a b" },
  { name: "a line of its own", text: "a\u2028b\r\nc", shown: "a b c" },
  { name: "another alphabet, which stays", text: "3a7b… зло", shown: "3a7b… зло" },
])("a body shows no terminal $name", ({ text, shown }) => {
  expect(visibleText(text)).toBe(shown);
});
