import { describe, expect, test } from "vitest";
import { readStrictJson } from "../../src/core/strict-json.ts";

const OPTIONS = { maxBytes: 64, maxDepth: 3, what: "the document", malformed: "BUNDLE_MALFORMED" } as const;
const read = (body: string | Buffer) => readStrictJson(Buffer.from(body), OPTIONS);

describe("a document that two readers could read differently is refused", () => {
  test.each([
    ["a key twice", '{"a":1,"a":2}'],
    ["a key twice, once escaped", '{"a":1,"\\u0061":2}'],
    ["a key twice, with space before the colon", '{"a":1,"a" \n\t:2}'],
    ["a key twice, deep inside", '[{"b":{"a":1,"c":3,"a":2}}]'],
    ["a key twice after a string of brackets", '{"a":"}{[","a":2}'],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["an overlong encoding", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ["a byte order mark", "\ufeff{}"],
    ["text after the value", "{} {}"],
    ["a string that does not end", '{"a'],
    ["a key that does not end as JSON", '{"\\x":1}'],
    ["brackets that do not match", "[}"],
    ["nothing", ""],
  ])("%s", (_what, body) => {
    expect(read(body)).toMatchObject({ ok: false, finding: { code: "BUNDLE_MALFORMED" } });
  });
});

test("the finding's code is the caller's", () => {
  expect(readStrictJson(Buffer.from("{"), { ...OPTIONS, malformed: "STATEMENT_MALFORMED" })).toMatchObject({
    finding: { code: "STATEMENT_MALFORMED" },
  });
});

test.each([
  ["one byte past the limit", `"${"a".repeat(63)}"`, false],
  ["as many bytes as the limit", `"${"a".repeat(62)}"`, true],
  ["one level past the limit", "[[[[]]]]", false],
  ["as many levels as the limit", "[[[1]]]", true],
  ["one level past the limit in objects", '{"a":{"b":{"c":{}}}}', false],
  ["brackets in a string", '["[[[[[[","\\"[[["]', true],
])("%s", (_what, body, ok) => {
  expect(read(body)).toMatchObject(ok ? { ok } : { ok, finding: { code: "BUNDLE_LIMIT" } });
});

test("one key in two objects is nothing unusual", () => {
  expect(read('{"a":{"a":1},"b":[{"a":2},{"a":3}],"c":"a"}')).toEqual({
    ok: true,
    value: { a: { a: 1 }, b: [{ a: 2 }, { a: 3 }], c: "a" },
  });
});
