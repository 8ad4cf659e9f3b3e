import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { listingDigest } from "../../../src/core/listing-digest.ts";
import type { ArchiveFormat } from "../../../src/core/ports/ecosystem.ts";
import { listArchive } from "../../../src/verify/archive/list-archive.ts";
import { buildTar, gzip, type TarEntry } from "../../support/archives.ts";

const FORMAT: ArchiveFormat = { container: "tar.gz", manifests: [], symlinks: "inside" };
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function list(entries: readonly TarEntry[], endBlocks = 2) {
  const folder = mkdtempSync(join(tmpdir(), "assay-listed-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "a.tar.gz");
  writeFileSync(path, gzip(buildTar(entries, { endBlocks })));
  return await listArchive({ path, format: FORMAT, limits: DEFAULT_LIMITS });
}

test("an archive that the mirror would refuse is listed no further than that", async () => {
  const { report, entries } = await list([
    { path: "a", body: "a" },
    { path: "../b", body: "b" },
    { path: "c", body: "c" },
  ]);
  expect(report).toMatchObject({ kind: "unsound", code: "ARCHIVE_UNSAFE" });
  expect(entries.map(({ path }) => path)).toEqual(["a"]);
});

test("entries are listed as they unpack: paths made plain, hard links as files, no folders", async () => {
  const long = `${"x/".repeat(60)}long`;
  const { report, entries } = await list([
    { path: "d/", type: "5", mode: 0o755 },
    { path: "./d/a", body: "a", mode: 0o600 },
    { path: "run", body: "", mode: 0o711 },
    { path: "again", type: "1", linkpath: "d/a" },
    { path: "link", type: "2", linkpath: "d/a" },
    { path: long, body: "long" },
  ]);
  expect(report.kind).toBe("sound");
  expect(entries).toEqual([
    { kind: "file", path: "d/a", executable: false, sizeBytes: 1, sha256: sha256("a") },
    { kind: "file", path: "run", executable: true, sizeBytes: 0, sha256: sha256("") },
    { kind: "file", path: "again", executable: false, sizeBytes: 1, sha256: sha256("a") },
    { kind: "link", path: "link", target: "d/a" },
    { kind: "file", path: long, executable: false, sizeBytes: 4, sha256: sha256("long") },
  ]);
});

test("two archives of the same files have one listing digest, whatever their order, owners and padding", async () => {
  const owned = (header: Buffer) => void header.write("0001750\0", 108, "latin1");
  const one = await list([
    { path: "a", body: "a" },
    { path: "b", body: "b", mode: 0o755 },
  ]);
  const other = await list(
    [
      { path: "b", body: "b", mode: 0o775, alter: owned },
      { path: "a", body: "a", mode: 0o664 },
    ],
    20,
  );
  expect(listingDigest(other.entries)).toBe(listingDigest(one.entries));
});
