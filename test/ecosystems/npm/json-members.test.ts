import { describe, expect, test } from "vitest";
import { membersOf } from "../../../src/ecosystems/npm/json-members.ts";

const OPTIONS = { maxMembers: 1000, source: "the test" };

function members(text: string): [string, string][] | undefined {
  const json = Buffer.from(text);
  const found = membersOf(json, { start: 0, end: json.length }, OPTIONS);
  return found && Array.from(found, ([key, { start, end }]) => [key, json.toString("utf8", start, end)]);
}

describe("text that is not JSON", () => {
  test.each([
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{"a" 1}',
    '{"a":}',
    '{"a":1 "b":2}',
    "{a:1}",
    '{"a":"x}',
    '{"a":[1,2}',
    '{"a":1}}',
    '{"a":1} {}',
    '{"a":1}\0',
    '{"\\x":1}',
    '{"a\n":1}',
    "{,}",
    '{"a":<}',
  ])("%j is malformed", (text) => {
    expect(() => members(text)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  });
});

test.each(["", "[]", '"{}"', "1", "<!DOCTYPE html>", "null"])("%j is no object", (text) => {
  expect(members(text)).toBeUndefined();
});

test("one member more than the limit is refused", () => {
  const object = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0])));
  expect(members(object(1000))).toHaveLength(1000);
  expect(() => members(object(1001))).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
});

test("a million brackets need no stack", () => {
  const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
  expect(members(`{"a":${deep},"b":1}`)?.map(([key]) => key)).toEqual(["a", "b"]);
});

test.each([
  { text: "{}", found: [] },
  {
    text: ' { "a" : 1 , "b" : [ {"}":"]"} ] } \n',
    found: [
      ["a", "1"],
      ["b", '[ {"}":"]"} ]'],
    ],
  },
  {
    text: '{"a":"\\"}\\\\","b":-1.5e+3,"c":true}',
    found: [
      ["a", '"\\"}\\\\"'],
      ["b", "-1.5e+3"],
      ["c", "true"],
    ],
  },
  { text: '{"a":1,"a":2}', found: [["a", "2"]] },
  {
    text: '{"\\u0061":1,"ü":2,"__proto__":3}',
    found: [
      ["a", "1"],
      ["ü", "2"],
      ["__proto__", "3"],
    ],
  },
])("$text", ({ text, found }) => {
  expect(members(text)).toEqual(found);
});
