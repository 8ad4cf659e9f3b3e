import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { largeTarball, largeWheel } from "../support/large-archives.ts";
import { startLargeBench } from "../support/large-bench.ts";
import { canMountSmallDisk, mountSmallDisk } from "../support/small-disk.ts";

const MB = 1_000_000;
const DISK_MEGABYTES = 48;
const mountable = canMountSmallDisk();
if (!mountable) console.warn("skipped: a full disk needs the right to mount a tmpfs");

test.skipIf(!mountable)(
  "a full disk: an error for what is new, what is held goes on, and room made later is used without a restart",
  async () => {
    const disk = mountSmallDisk(DISK_MEGABYTES);
    if (!disk) throw new Error("mounted a moment ago, and not now");
    const dataDir = disk.folder;
    const bench = await startLargeBench({ dataDir, more: "metadata_ttl: 1s\ncache: {min_free: 0}" });
    onTestFinished(async () => {
      await bench.close().catch(() => {}); // The mount point itself cannot be removed before it is unmounted.
      disk.unmount();
    });
    const held = largeWheel("held", noise(5 * MB));
    const huge = largeWheel("huge", noise(60 * MB));
    const small = [largeWheel("small", noise(4 * MB)), largeTarball("small", noise(4 * MB))];
    for (const archive of [held, huge, ...small]) bench.upstream.publish(archive);
    const link = await bench.link(held);
    const smallLinks = await Promise.all(small.map((archive) => bench.link(archive)));
    expect(await download(link)).toMatchObject({ status: 200, sha256: held.sha256 });

    // Larger than the disk: its first bytes flow, then the connection is cut.
    expect(await download(await bench.link(huge))).toMatchObject({ status: 200, cut: true });

    // Its room comes back a moment after the client was cut off, and must not come back after the disk was filled.
    await expect.poll(() => freeBytes(dataDir)).toBeGreaterThan(30 * MB);

    const ballast = join(dataDir, "ballast");
    fill(ballast);
    for (const smallLink of smallLinks) {
      const answer = await download(smallLink);
      expect(answer).toMatchObject({ status: 507 });
      expect(answer.text).toContain("STORE_FULL");
    }
    await delay(1_100); // The index pages are to be confirmed again, which cannot be written down.
    expect(await download(link)).toMatchObject({ status: 200, sha256: held.sha256 });
    expect(await download(await bench.link(held))).toMatchObject({ status: 200, sha256: held.sha256 });
    expect(await download(`${bench.assay.url}/readyz`)).toMatchObject({ status: 200 });

    rmSync(ballast);
    for (const [at, smallLink] of smallLinks.entries()) {
      expect(await download(smallLink)).toMatchObject({ status: 200, cut: false, sha256: small[at]?.sha256 });
    }
    const database = new Database(join(dataDir, "assay.db"), { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
    await expect.poll(() => quarantined(dataDir)).toEqual([]);
  },
  60_000,
);

test.skipIf(!mountable)(
  "a disk nearly full: what would fill it is not begun, nothing is let go in vain, and what is let go makes room",
  async () => {
    const disk = mountSmallDisk(DISK_MEGABYTES);
    if (!disk) throw new Error("mounted a moment ago, and not now");
    const bench = await startLargeBench({ dataDir: disk.folder, more: "cache: {min_free: 8MiB}" });
    onTestFinished(async () => {
      await bench.close().catch(() => {}); // The mount point itself cannot be removed before it is unmounted.
      disk.unmount();
    });
    const huge = largeWheel("huge", noise(60 * MB));
    const large = ["one", "two", "three", "four"].map((name) => largeWheel(name, noise(12 * MB)));
    for (const archive of [huge, ...large]) bench.upstream.publish(archive);
    const [first, ...others] = await Promise.all(large.map((archive) => bench.link(archive)));
    if (first === undefined) throw new Error("nothing was published");
    expect(await download(first)).toMatchObject({ status: 200, cut: false });
    const answer = await download(await bench.link(huge));
    expect(answer).toMatchObject({ status: 507, cut: false });
    expect(answer.text).toContain("cache.min_free");
    expect(readdirSync(join(disk.folder, "blobs-v1"))).toHaveLength(1);
    for (const [at, link] of others.entries()) {
      expect(await download(link)).toMatchObject({ status: 200, cut: false, sha256: large[at + 1]?.sha256 });
      expect(freeBytes(disk.folder)).toBeGreaterThan(8 * 1024 * 1024 - MB);
    }
  },
  60_000,
);

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Writes until not one more byte fits. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let size = 1024 * 1024; size >= 1; size >>= 1) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

function quarantined(dataDir: string): readonly string[] {
  return readdirSync(join(dataDir, "tmp"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "heartbeat")
    .map(({ name }) => name);
}
