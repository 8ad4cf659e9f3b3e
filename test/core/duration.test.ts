import { expect, test } from "vitest";
import { parseDuration } from "../../src/core/duration.ts";

test.each([
  ["5", undefined],
  ["-5s", undefined],
  ["5S", undefined],
  ["5 weeks", undefined],
  ["s", undefined],
  ["1h30m", undefined],
  ["0", 0],
  ["250ms", 250],
  ["60s", 60_000],
  ["1.5 m", 90_000],
  ["2h", 7_200_000],
  ["30d", 2_592_000_000],
])("%s is %s ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});
