import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withScratchFolder } from "../../../src/app/rebuild/scratch-folder.ts";
import { HOST } from "../../../src/store/process-name.ts";
import { temporaryFolder } from "../../store/temporary-folder.ts";

test("it is gone when the work is done, and when the work fails", async () => {
  const dataDir = temporaryFolder();
  const tmp = join(dataDir, "tmp");
  await withScratchFolder(dataDir, async (folder) => {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    mkdirSync(join(folder, "a/b"), { recursive: true });
  });
  await expect(withScratchFolder(dataDir, async () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(readdirSync(tmp)).toEqual([]);
});

test("what a killed process left is removed, and nothing that is in use or somebody else's", async () => {
  const dataDir = temporaryFolder();
  const tmp = join(dataDir, "tmp");
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const digits = "0".repeat(32);
  const left = `rebuild-${HOST}-${pid}-${digits}`;
  const others = [
    `rebuild-${HOST}-${process.ppid}-${digits}`,
    `rebuild-${"0".repeat(16)}-${pid}-${digits}`,
    `${HOST}-${pid}-${digits}`,
    "rebuild-x",
  ];
  for (const name of [left, ...others]) {
    mkdirSync(join(tmp, name, "tree"), { recursive: true });
    writeFileSync(join(tmp, name, "tree/a"), "a");
  }
  await withScratchFolder(dataDir, async (folder) => {
    await withScratchFolder(dataDir, async () => expect(existsSync(folder)).toBe(true));
    expect(existsSync(folder)).toBe(true);
  });
  expect(readdirSync(tmp).sort()).toEqual(others.sort());
});
