import { expect, test } from "vitest";
import { parseTarget } from "../../src/http/target.ts";

test.each([
  { name: "a dot segment", target: "/pypi/../etc/passwd" },
  { name: "an encoded dot segment", target: "/pypi/%2e%2e/etc" },
  { name: "a dot segment beside an encoded slash", target: "/npm/@a%2f..%2f..%2fetc" },
  { name: "an encoded NUL", target: "/npm/left%00pad" },
  { name: "an encoded line break", target: "/npm/left%0d%0aSet-Cookie:x" },
  { name: "a backslash", target: "/npm/a\\b" },
  { name: "an encoded backslash", target: "/npm/a%5cb" },
  { name: "a broken percent-encoding", target: "/npm/%zz" },
  { name: "a percent-encoding that is no UTF-8", target: "/npm/%ff%fe" },
  { name: "an empty segment", target: "/npm//left-pad" },
  { name: "another server's URL", target: "http://registry.example/npm/x" },
  { name: "no path", target: "*" },
  { name: "one character too many", target: `/${"a".repeat(2048)}` },
])("$name is a bad request", ({ target }) => {
  expect(() => parseTarget(target, 2048)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test.each([
  { target: "/", segments: [""] },
  { target: "/pypi/simple/", segments: ["pypi", "simple", ""] },
  { target: "/npm/@scope%2fname", segments: ["npm", "@scope/name"] },
  { target: "/npm/%2540x", segments: ["npm", "%40x"] },
  { target: `/${"a".repeat(2047)}`, segments: ["a".repeat(2047)] },
])("$target is decoded once", ({ target, segments }) => {
  expect(parseTarget(target, 2048).segments).toEqual(segments);
});

test("a plus in the path is a plus, in the query a space", () => {
  const { segments, query } = parseTarget("/aam/packages/x/1.0.0+build?q=a+b", 2048);
  expect(segments.at(-1)).toBe("1.0.0+build");
  expect(query.get("q")).toBe("a b");
});
