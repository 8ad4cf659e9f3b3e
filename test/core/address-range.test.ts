import { expect, test } from "vitest";
import { isInRanges, parseAddressRange } from "../../src/core/address-range.ts";

const ranges = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"].flatMap((text) => {
  const range = parseAddressRange(text);
  return range ? [range] : [];
});

test.each([
  ["11.0.0.1", false],
  ["192.0.2.8", false],
  ["fe00::1", false],
  ["::ffff:11.0.0.1", false],
  ["a name", false],
  ["", false],
  // Other programs read these otherwise than we would.
  ["10.1", false],
  ["012.0.0.1", false],
  ["10.255.0.1", true],
  ["192.0.2.7", true],
  ["fd12::1", true],
  ["::ffff:10.0.0.1", true],
])("%s in 10.0.0.0/8, 192.0.2.7 or fd00::/8: %s", (address, isIn) => {
  expect(ranges).toHaveLength(3);
  expect(isInRanges(address, ranges)).toBe(isIn);
});

test.each([
  "",
  "10.0.0.0/33",
  "10.0.0",
  "localhost",
  "10.0.0.0/8 ",
  "*",
  "0x0a000001",
  "10.1/8",
  "012.0.0.0/8",
  "10.0.0.0/",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "::/129",
])("%j is no range", (text) => {
  expect(parseAddressRange(text)).toBeUndefined();
});
