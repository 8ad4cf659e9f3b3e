import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { publishedEpoch } from "../../../src/app/rebuild/published-epoch.ts";

const header = (seconds: number): Buffer => {
  const bytes = Buffer.from("1f8b0800000000000003", "hex");
  bytes.writeUInt32LE(seconds, 4);
  return bytes;
};

test.each([
  ["the time that gzip wrote", header(1_700_000_000), 1_700_000_000],
  ["the last one that has room", header(0xffffffff), 0xffffffff],
  ["none in another kind of archive", Buffer.from("BZh91AY&SY000000"), 0],
  ["none in a file that ends before it", header(1_700_000_000).subarray(0, 7), 0],
])("%s", async (_name, bytes, seconds) => {
  const folder = mkdtempSync(join(tmpdir(), "assay-epoch-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "published"), bytes);
  expect(await publishedEpoch(join(folder, "published"))).toBe(seconds);
});

test("none where the bytes are not held", async () => {
  expect(await publishedEpoch(undefined)).toBe(0);
});
