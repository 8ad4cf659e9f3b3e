import { expect, test } from "vitest";
import { printableLine } from "../../src/core/printable-line.ts";

test.each([
  { name: "line breaks", text: "a\r\nSet-Cookie: b", line: "a Set-Cookie: b" },
  { name: "NUL and escapes", text: "a\u0000\u001b[31mb", line: "a [31mb" },
  { name: "non-Latin text", text: "зло package", line: "package" },
  { name: "an ellipsis", text: "3a7b… 91cc…", line: "3a7b... 91cc..." },
  { name: "one character too many", text: "x".repeat(21), line: `${"x".repeat(17)}...` },
  { name: "exactly enough", text: "x".repeat(20), line: "x".repeat(20) },
])("$name cannot leave the line", ({ text, line }) => {
  expect(printableLine(text, 20)).toBe(line);
});
