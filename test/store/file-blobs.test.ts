import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import type { Admit } from "../../src/core/verdict.ts";
import { FileBlobs } from "../../src/store/file-blobs.ts";
import { HOST } from "../../src/store/process-name.ts";
import { HEARTBEAT_FILE } from "../../src/store/quarantine-folder.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { fileBlobsBench, filesUnder } from "./file-blobs-bench.ts";
import { recordingLog } from "./recording-log.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ADMIT: Admit = { kind: "admit", warnings: [] };
const NOW = Date.now();

async function openStore(dataDir: string) {
  const recorded = recordingLog();
  return { store: await FileBlobs.open({ dataDir, clock: { now: () => NOW }, log: recorded.log }), lines: recorded.lines };
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe("FileBlobs keeps the contract", () => blobStoreContract(fileBlobsBench));

test("a blob lies under its digest, for this account's eyes only", async () => {
  const dataDir = temporaryFolder();
  const { store } = await openStore(dataDir);
  const blob = await store.promote(await store.receive(oneChunk("hello"), { maxBytes: 10, algorithms: [] }).whole, ADMIT);
  const digest = createHash("sha256").update("hello").digest("hex");
  const path = join(dataDir, "blobs-v1", digest.slice(0, 2), digest);
  expect(blob.digest).toBe(digest);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, "blobs-v1")).mode & 0o777).toBe(0o700);
  await store.close();
  expect(readdirSync(join(dataDir, "tmp"))).toEqual([]);
});

test("a link in a blob's place is not followed", async () => {
  const dataDir = temporaryFolder();
  const { store, lines } = await openStore(dataDir);
  const digest = parseDigest("ab".repeat(32));
  mkdirSync(join(dataDir, "blobs-v1", "ab"));
  writeFileSync(join(dataDir, "secret"), "12345");
  symlinkSync(join(dataDir, "secret"), join(dataDir, "blobs-v1", "ab", digest));
  expect(await store.find(digest, 5)).toBeUndefined();
  expect(lines).toContain("warn: a blob is missing or damaged");
});

test("a quarantine folder that was removed is made again for the next archive", async () => {
  const dataDir = temporaryFolder();
  const { store } = await openStore(dataDir);
  await store.discard(await store.receive(oneChunk("a"), { maxBytes: 10, algorithms: [] }).whole);
  for (const folder of readdirSync(join(dataDir, "tmp"))) rmSync(join(dataDir, "tmp", folder), { recursive: true });
  const blob = await store.receive(oneChunk("b"), { maxBytes: 10, algorithms: [] }).whole;
  expect(await store.promote(blob, ADMIT)).toMatchObject({ sizeBytes: 1 });
  await store.close();
});

describe("the sweep", () => {
  const random = "0".repeat(32);
  const otherHost = "f".repeat(16);
  /** Larger than any process number that Linux gives out. */
  const deadProcess = 4_194_305;

  test.each([
    { name: "a process of this machine that is gone, however fresh", folder: `${HOST}-${deadProcess}-${random}`, ageMs: 0, swept: true },
    { name: "one before us with our own number", folder: `${HOST}-${process.pid}-${random}`, ageMs: 0, swept: true },
    { name: "a living process whose number was given out again", folder: `${HOST}-${process.ppid}-${random}`, ageMs: 60_001, swept: true },
    { name: "another machine's process whose heart stopped", folder: `${otherHost}-${deadProcess}-${random}`, ageMs: 60_001, swept: true },
    { name: "a living process of this machine", folder: `${HOST}-${process.ppid}-${random}`, ageMs: 59_000, swept: false },
    { name: "another machine's process whose heart beats", folder: `${otherHost}-${deadProcess}-${random}`, ageMs: 59_000, swept: false },
    { name: "a folder with a name that is not ours", folder: "keep-me", ageMs: 1e9, swept: false },
    { name: "a folder whose name only begins like ours", folder: `${HOST}-${deadProcess}-${random}0`, ageMs: 1e9, swept: false },
  ])("$name: removed is $swept", async ({ folder, ageMs, swept }) => {
    const dataDir = temporaryFolder();
    const { store } = await openStore(dataDir);
    const path = join(dataDir, "tmp", folder);
    mkdirSync(path);
    writeFileSync(join(path, "partial"), "123");
    writeFileSync(join(path, HEARTBEAT_FILE), "");
    const beat = (NOW - ageMs) / 1000;
    utimesSync(join(path, HEARTBEAT_FILE), beat, beat);
    expect(await store.sweep()).toEqual(swept ? { removedFiles: 1, removedBytes: 3 } : { removedFiles: 0, removedBytes: 0 });
    expect(await filesUnder(join(dataDir, "tmp"))).toHaveLength(swept ? 0 : 2);
    expect(readdirSync(join(dataDir, "tmp"))).toEqual(swept ? [] : [folder]);
  });

  test.each([
    { name: "a fresh folder without a heartbeat is being made", ageMs: 1000, left: 1 },
    { name: "an old one never came to it", ageMs: 60_001, left: 0 },
  ])("$name", async ({ ageMs, left }) => {
    const dataDir = temporaryFolder();
    const { store } = await openStore(dataDir);
    const path = join(dataDir, "tmp", `${otherHost}-1-${random}`);
    mkdirSync(path);
    utimesSync(path, (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
    await store.sweep();
    expect(readdirSync(join(dataDir, "tmp"))).toHaveLength(left);
  });

  test("a link in an abandoned folder is removed, what it leads to is not", async () => {
    const dataDir = temporaryFolder();
    const { store } = await openStore(dataDir);
    const path = join(dataDir, "tmp", `${HOST}-${deadProcess}-${random}`);
    mkdirSync(path);
    writeFileSync(join(dataDir, "assay.db"), "precious");
    symlinkSync(join(dataDir, "assay.db"), join(path, "partial"));
    expect(await store.sweep()).toMatchObject({ removedFiles: 1 });
    expect(statSync(join(dataDir, "assay.db")).size).toBe(8);
  });
});
