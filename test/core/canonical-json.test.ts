import { expect, test } from "vitest";
import { canonicalJson } from "../../src/core/canonical-json.ts";

// The example of RFC 8785 section 3.2.2, and its sorting example of section 3.2.3.
test("the RFC's own example comes out as the RFC has it", () => {
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("members are sorted by their UTF-16 code units, numbers among them as text", () => {
  const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "10": 5, "9": 6, "\ud83d\ude00": 7, "\u0080": 8, ö: 9 };
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"10":5,"9":6,"\u0080":8,"ö":9,"€":1,"😀":7,"\ufb33":3}');
});

test("members that are undefined, or in another order, make no difference", () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: "x" })).toBe(canonicalJson({ a: "x", b: [{ d: 1 }] }));
});
