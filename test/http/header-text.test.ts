import { expect, test } from "vitest";
import { visibleText } from "../../src/core/visible-text.ts";
import { headerText } from "../../src/http/header-text.ts";

test.each([
  { name: "line breaks", text: "a\r\nSet-Cookie: b", line: "a Set-Cookie: b" },
  { name: "NUL and escapes", text: "a\u0000\u001b[31mb", line: "a [31mb" },
  { name: "non-Latin text", text: "зло package", line: "package" },
  { name: "an ellipsis", text: "3a7b… 91cc…", line: "3a7b... 91cc..." },
  { name: "one character too many", text: "x".repeat(21), line: `${"x".repeat(17)}...` },
  { name: "exactly enough", text: "x".repeat(20), line: "x".repeat(20) },
])("$name cannot leave the header line", ({ text, line }) => {
  expect(headerText(text, 20)).toBe(line);
});

test.each([
  { name: "an escape sequence", text: "a\u001b[2Jb", shown: "a [2Jb" },
  { name: "its one-character form", text: "a\u009b2Jb", shown: "a 2Jb" },
  { name: "writing that runs backwards", text: "a\u202eb", shown: "a b" },
  { name: "a line of its own", text: "a\u2028b\r\nc", shown: "a b c" },
  { name: "another alphabet, which stays", text: "3a7b… зло", shown: "3a7b… зло" },
])("a body shows no terminal $name", ({ text, shown }) => {
  expect(visibleText(text)).toBe(shown);
});
