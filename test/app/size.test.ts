import { expect, test } from "vitest";
import { formatSize, parseSize } from "../../src/app/size.ts";

test.each([
  ["8", undefined],
  ["-8MiB", undefined],
  ["8 mib", undefined],
  ["8mb", undefined],
  ["MiB", undefined],
  ["8MiB ", undefined],
  ["0.5B", undefined],
  ["9999999TiB", undefined],
  ["1e3B", undefined],
  ["8MiB", 8 * 1024 * 1024],
  ["1.5 GiB", 1.5 * 1024 ** 3],
  ["10MB", 10_000_000],
  ["0B", 0],
])("%s is %s bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  [1, "1B"],
  [1025, "1025B"],
  [4096, "4KiB"],
  [2 * 1024 ** 3, "2GiB"],
])("%s bytes are written %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
  expect(parseSize(text)).toBe(bytes);
});
