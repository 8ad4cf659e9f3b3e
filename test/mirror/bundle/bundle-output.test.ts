import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BundleOutput } from "../../../src/mirror/bundle/bundle-output.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "assay-bundle-output-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function write(path: string, text: string, partBytes?: number): Promise<readonly string[]> {
  const output = new BundleOutput(path, partBytes);
  await output.write(Buffer.from(text));
  return output.commit();
}

test("parts of an earlier bundle of that name go with it, and no other file does", async () => {
  const here = folder();
  const path = join(here, "all.tar");
  await write(path, "abcdef", 1);
  for (const other of ["all.tar.008", "all.tar.sha256", "other.tar.003"]) writeFileSync(join(here, other), "kept");
  expect((await write(path, "xy", 1)).map((part) => basename(part))).toEqual(["all.tar.001", "all.tar.002"]);
  expect(readdirSync(here).sort()).toEqual(["all.tar.001", "all.tar.002", "all.tar.008", "all.tar.sha256", "other.tar.003"]);
  await write(path, "whole");
  expect(readFileSync(join(here, "all.tar.002"), "utf8")).toBe("y");
});

test("names sort in the order of the parts, however many there are", async () => {
  const here = folder();
  const text = Array.from({ length: 1001 }, (_, index) => String(index % 10)).join("");
  const parts = await write(join(here, "all.tar"), text, 1);
  expect(basename(parts[0] ?? "")).toBe("all.tar.0001");
  const sorted = readdirSync(here).sort();
  expect(parts.map((part) => basename(part))).toEqual(sorted);
  expect(sorted.map((name) => readFileSync(join(here, name), "utf8")).join("")).toBe(text);
});

test("what an export that was ended left behind is written over or removed", async () => {
  const here = folder();
  const path = join(here, "all.tar");
  const ended = new BundleOutput(path, 1);
  await ended.write(Buffer.from("abcd"));
  expect(readdirSync(here)).toHaveLength(4);
  await write(path, "xy", 1);
  expect(readdirSync(here).sort()).toEqual(["all.tar.001", "all.tar.002"]);
  await ended.discard();
});
