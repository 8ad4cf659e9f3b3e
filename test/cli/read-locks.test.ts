import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readLocks } from "../../src/cli/read-locks.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import { codeOf } from "../contract/code-of.ts";

const root = mkdtempSync(join(tmpdir(), "assay-read-locks-"));
afterAll(() => rmSync(root, { recursive: true }));

const HASH = `--hash=sha256:${"a".repeat(64)}`;
mkdirSync(join(root, "project", "sub"), { recursive: true });
writeFileSync(join(root, "secret.txt"), "password hunter2\n");
symlinkSync(join(root, "secret.txt"), join(root, "project", "link.txt"));
writeFileSync(join(root, "project", "sub", "base.txt"), `-c ../pins.txt\nidna\n`);
writeFileSync(join(root, "project", "pins.txt"), `idna==3.7 ${HASH}\n`);

const read = (text: string, limits = DEFAULT_LIMITS) => {
  const path = join(root, "project", "requirements.txt");
  writeFileSync(path, text);
  return readLocks([path], { limits });
};

test.each([
  ["above the project", "-r ../secret.txt"],
  ["anywhere on disk", `-r ${join(root, "secret.txt")}`],
  ["above the project, by a link in it", "-r link.txt"],
  ["at an address", "-r https://elsewhere.example/requirements.txt"],
])("a file %s is not taken in, and nothing of it is told", async (_, line) => {
  const reading = read(`${line}\n`);
  expect(["BAD_REQUEST", "NOT_FOUND"]).toContain(await codeOf(reading));
  await expect(reading).rejects.not.toThrow("hunter2");
});

test("files in the project are, and what they take in", async () => {
  const [named] = await read("-r sub/base.txt\n");
  expect(named?.lock.entries).toMatchObject([{ kind: "version", name: "idna", version: "3.7", at: "sub/base.txt:2" }]);
});

test("a hundred files are, and no more", async () => {
  for (let index = 0; index < 101; index++) writeFileSync(join(root, "project", `${index}.txt`), "");
  const taking = (count: number): string => Array.from({ length: count }, (_, index) => `-r ${index}.txt\n`).join("");
  await expect(read(taking(100))).resolves.toHaveLength(1);
  await expect(read(taking(101))).rejects.toThrow("takes in more than 100 files");
});

test("a lock that is too long, or taken in too long, is not read", async () => {
  await expect(read(`six==1.0 ${HASH}\n`, { ...DEFAULT_LIMITS, sidecarBytes: 20 })).rejects.toThrow("more than 20 bytes");
  await expect(read("-r pins.txt\n", { ...DEFAULT_LIMITS, sidecarBytes: 20 })).rejects.toThrow("pins.txt has more than 20 bytes");
});

test("a lock that is named twice is read once; one that no reader takes is wrong usage", async () => {
  const path = join(root, "project", "pins.txt");
  await expect(readLocks([path, path], { limits: DEFAULT_LIMITS })).resolves.toHaveLength(1);
  expect(await codeOf(readLocks(["Cargo.lock"], { limits: DEFAULT_LIMITS }))).toBe("USAGE");
});
