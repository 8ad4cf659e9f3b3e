import { expect, test } from "vitest";
import { matchesEtag, parseRange, rangeStillValid } from "../../src/http/range.ts";

test.each([
  { header: "bytes=100-", size: 100, range: "unsatisfiable" },
  { header: "bytes=-0", size: 100, range: "unsatisfiable" },
  { header: "bytes=0-", size: 0, range: "unsatisfiable" },
  { header: "bytes=5-2", size: 100, range: "whole" },
  { header: "bytes=-", size: 100, range: "whole" },
  { header: "bytes=0-1,5-6", size: 100, range: "whole" },
  { header: "items=0-1", size: 100, range: "whole" },
  { header: "bytes=9999999999999999-", size: 100, range: "whole" },
  { header: undefined, size: 100, range: "whole" },
  { header: "bytes=0-0", size: 100, range: { first: 0, last: 0 } },
  { header: "bytes=99-", size: 100, range: { first: 99, last: 99 } },
  { header: "bytes=10-500", size: 100, range: { first: 10, last: 99 } },
  { header: "bytes=-30", size: 100, range: { first: 70, last: 99 } },
  { header: "bytes=-500", size: 100, range: { first: 0, last: 99 } },
])("$header of $size bytes", ({ header, size, range }) => {
  expect(parseRange(header, size)).toEqual(range);
});

test.each([
  { header: '"b"', matches: false },
  { header: undefined, matches: false },
  { header: '"a-gzip"', matches: false },
  { header: '"a"', matches: true },
  { header: 'W/"a"', matches: true },
  { header: '"x", W/"a"', matches: true },
  { header: "*", matches: true },
])('If-None-Match $header against "a"', ({ header, matches }) => {
  expect(matchesEtag(header, '"a"')).toBe(matches);
});

test("a range is served only for the representation that If-Range names", () => {
  expect(rangeStillValid(undefined, '"a"')).toBe(true);
  expect(rangeStillValid('"a"', '"a"')).toBe(true);
  expect(rangeStillValid('W/"a"', '"a"')).toBe(false);
  expect(rangeStillValid("Mon, 23 Nov 2026 00:00:00 GMT", '"a"')).toBe(false);
});
