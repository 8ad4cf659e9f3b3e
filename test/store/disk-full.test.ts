import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import type { BlobStore } from "../../src/core/ports/blob-store.ts";
import type { DocumentRecord } from "../../src/core/ports/index-store.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { openStore } from "../../src/store/open-store.ts";
import { HEARTBEAT_FILE } from "../../src/store/quarantine-folder.ts";
import { record } from "../support/record.ts";
import { canMountSmallDisk, mountSmallDisk } from "../support/small-disk.ts";
import { filesUnder } from "./file-blobs-bench.ts";
import { recordingLog } from "./recording-log.ts";

const mountable = canMountSmallDisk();
if (!mountable) console.warn("test/store/disk-full.test.ts is skipped: it needs the right to mount a tmpfs");

async function openOnSmallDisk() {
  const disk = mountSmallDisk(8);
  if (!disk) throw new Error("could not mount, although it could a moment ago");
  const dataDir = join(disk.folder, "data");
  const store = await openStore({ dataDir, clock: { now: () => Date.now() }, log: recordingLog().log });
  onTestFinished(async () => {
    await store.blobs.close();
    await store.index.close();
    disk.unmount();
  });
  return { ...store, dataDir, disk: disk.folder };
}

/** Fills the disk to the last block; answers how to free it again. */
function fillUp(folder: string): () => void {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(4096, 1));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(file);
  }
  expect(statfsSync(folder).bavail).toBe(0);
  return () => rmSync(path);
}

function admissionOf(file: string): Admission {
  return {
    ref: { repository: "npm", ecosystem: "npm", name: "a", version: "1.0.0", file },
    decidedAt: 1,
    digest: parseDigest("00".repeat(32)),
    sizeBytes: 1,
    url: `https://registry.example/${file}`,
    upstream: "npm#0",
    claims: [],
    // Long enough that a few of them need new pages.
    evidence: [
      {
        verifier: "archive",
        subject: parseDigest("00".repeat(32)),
        checkedAt: 1,
        outcome: { kind: "unavailable", detail: "x".repeat(20_000) },
      },
    ],
    verdict: { kind: "admit", warnings: [] },
  };
}

function documentOf(body: Buffer): DocumentRecord {
  const url = "https://registry.example/a";
  return { body, contentType: "text/html", url, upstream: "npm#0", fetchedAt: 1, validatedAt: 1, revision: "00".repeat(32) };
}

async function* chunks(sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= 65_536) yield randomBytes(Math.min(left, 65_536));
}

async function admitArchive(blobs: BlobStore, sizeBytes: number) {
  const blob = await blobs.receive(chunks(sizeBytes), { maxBytes: 1e9, algorithms: [] }).whole;
  return await blobs.promote(blob, { kind: "admit", warnings: [] });
}

describe.skipIf(!mountable)("a full disk (needs the right to mount a tmpfs)", () => {
  test("an archive that does not fit: STORE_FULL, nothing of it stays, what was kept is served, smaller ones go on", async () => {
    const { blobs, dataDir } = await openOnSmallDisk();
    const kept = await admitArchive(blobs, 100_000);
    await expect(admitArchive(blobs, 20_000_000)).rejects.toMatchObject({ code: "STORE_FULL" });
    expect((await filesUnder(join(dataDir, "tmp"))).filter((file) => file !== HEARTBEAT_FILE)).toEqual([]);
    const reader = await blobs.open(kept);
    expect(await reader.read(Buffer.alloc(100_000), 0)).toBe(100_000);
    await reader.close();
    expect(await admitArchive(blobs, 50_000)).toMatchObject({ sizeBytes: 50_000 });
  });

  test("no room for anything: the index says STORE_FULL, stays whole, answers reads, and writes again once there is room", async () => {
    const { index, blobs, dataDir, disk } = await openOnSmallDisk();
    await record(index, admissionOf("first.tgz"));
    await index.putDocument({ repository: "npm", key: "a" }, documentOf(Buffer.from("kept")), undefined);
    const free = fillUp(disk);
    const failures: unknown[] = [];
    const recorded: string[] = [];
    // The log may have room in blocks it has already; it must run out of that.
    for (let count = 0; count < 100 && failures.length === 0; count++) {
      await record(index, admissionOf(`more-${count}.tgz`)).then(
        () => recorded.push(`more-${count}.tgz`),
        (error: unknown) => failures.push(error),
      );
    }
    expect(failures).toMatchObject([{ code: "STORE_FULL" }]);
    const large = documentOf(randomBytes(3_000_000));
    await expect(index.putDocument({ repository: "npm", key: "a" }, large, undefined)).rejects.toMatchObject({ code: "STORE_FULL" });
    await expect(admitArchive(blobs, 1000)).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(await index.admission(admissionOf("first.tgz").ref)).toBeDefined();
    expect((await index.document({ repository: "npm", key: "a" }))?.body.toString()).toBe("kept");
    free();
    await record(index, admissionOf("last.tgz"));
    const admitted = (await index.admitted("npm", "a")).map((admission) => admission.ref.file);
    expect(admitted).toEqual(["first.tgz", ...recorded, "last.tgz"]);
    const raw = new Database(join(dataDir, "assay.db"));
    expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
    raw.close();
  });
});
