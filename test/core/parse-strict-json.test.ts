import { expect, test } from "vitest";
import { parseStrictJson, parseStrictJsonObject, StrictJsonError } from "../../src/core/parse-strict-json.ts";

function refusalOf(body: Buffer | string, maxDepth = 8): unknown {
  try {
    return { accepted: parseStrictJson(Buffer.from(body), maxDepth) };
  } catch (error) {
    return error instanceof StrictJsonError ? `${error.kind}: ${error.message}` : error;
  }
}

test.each([
  { name: "a member twice, of which readers take different ones", body: '{"a":1,"a":2}', says: 'malformed: it has the member "a" twice' },
  { name: "the second one in disguise", body: '{"a":1,"\\u0061":2}', says: 'malformed: it has the member "a" twice' },
  { name: "a member twice, deep down", body: '[{"x":[{"b":1,"c":2,"b":3}]}]', says: 'malformed: it has the member "b" twice' },
  { name: "a member twice, after a nested object", body: '{"a":{"a":1},"a":2}', says: 'malformed: it has the member "a" twice' },
  { name: "__proto__ twice", body: '{"__proto__":1,"__proto__":2}', says: 'malformed: it has the member "__proto__" twice' },
  { name: "bytes that are not UTF-8", body: Buffer.from([0x22, 0xff, 0x22]), says: "malformed: it is not UTF-8" },
  { name: "a surrogate in UTF-8", body: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), says: "malformed: it is not UTF-8" },
  { name: "half a surrogate pair", body: '{"a":"\\ud800"}', says: "malformed: it has half of a surrogate pair, which is no character" },
  { name: "the other half in a name", body: '{"\\uDC00":1}', says: "malformed: it has half of a surrogate pair, which is no character" },
  { name: "a byte order mark", body: Buffer.from("\ufeff{}"), says: "malformed: it is not JSON" },
  { name: "text after the end", body: "{} {}", says: "malformed: it is not JSON" },
  { name: "nothing at all", body: "", says: "malformed: it is not JSON" },
  { name: "one level too many", body: `${"[".repeat(9)}${"]".repeat(9)}`, says: "limit: it nests deeper than 8 levels" },
  { name: "a million levels", body: `${"[".repeat(1e6)}${"]".repeat(1e6)}`, says: "limit: it nests deeper than 8 levels" },
])("$name is refused", ({ body, says }) => {
  expect(refusalOf(body)).toBe(says);
});

test.each([
  { name: "one member in each of two objects", body: '[{"a":1},{"a":2}]' },
  { name: "a value that looks like a member", body: '{"a":"b","b":"a"}' },
  { name: "brackets and quotes in a string", body: '{"a":"{[\\"a\\":1","b":"\\\\"}' },
  { name: "a whole surrogate pair, and a backslash before what looks like half of one", body: '{"a":"\\ud83d\\ude00","b":"\\\\ud800"}' },
  { name: "the deepest that is allowed", body: `${"[".repeat(8)}${"]".repeat(8)}` },
])("$name is read as JSON.parse reads it", ({ body }) => {
  expect(refusalOf(body)).toEqual({ accepted: JSON.parse(body) });
});

test("what must be an object is refused where it is something else", () => {
  for (const body of ["[]", "null", "1", '"a"']) expect(() => parseStrictJsonObject(Buffer.from(body), 8)).toThrow("not an object");
});

test("a text of a hundred thousand members takes time in proportion", () => {
  const body = Buffer.from(`{${Array.from({ length: 100_000 }, (_, index) => `"m${index}":${index}`).join(",")}}`);
  const start = performance.now();
  parseStrictJson(body, 8);
  expect(performance.now() - start).toBeLessThan(2000);
});
