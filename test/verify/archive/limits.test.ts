import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, constants as zlib } from "node:zlib";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { scan } from "../../../src/verify/archive/scan.ts";
import type { ScanLimits } from "../../../src/verify/archive/scan-report.ts";
import { buildTar, buildZip, gzip } from "../../support/archives.ts";
import { NPM, TAR, verdictOn, ZIP } from "./scan-bytes.ts";

const MIB = 1024 * 1024;
const files = (count: number): { path: string; body: string }[] =>
  Array.from({ length: count }, (_, index) => ({ path: `p/${index}`, body: "12345678" }));
const zeros = (bytes: number): { path: string; body: Buffer }[] => [{ path: "p/zeros", body: Buffer.alloc(bytes) }];
const manifest = (bytes: number): { path: string; body: string }[] => [{ path: "p.dist-info/METADATA", body: "m".repeat(bytes) }];

/** At each limit an archive passes; one past it, it does not. */
test.each([
  { limit: "entries of a zip archive", limits: { archiveEntries: 4 }, at: buildZip(files(3)), past: buildZip(files(5)), format: ZIP },
  { limit: "entries of a tar archive", limits: { archiveEntries: 4 }, at: buildTar(files(3)), past: buildTar(files(5)), format: TAR },
  {
    limit: "folders that names imply",
    limits: { archiveEntries: 4 },
    at: buildTar([{ path: "1/2/3/4" }]),
    past: buildTar([{ path: "1/2/3/4/5" }]),
    format: TAR,
  },
  {
    limit: "unpacked bytes of a zip archive",
    limits: { unpackedBytes: 16 },
    at: buildZip(files(2)),
    past: buildZip(files(3)),
    format: ZIP,
  },
  {
    limit: "unpacked bytes of a tar archive",
    limits: { unpackedBytes: 3072 },
    at: buildTar(files(2)),
    past: buildTar(files(3)),
    format: TAR,
  },
  {
    limit: "ratio of a zip archive",
    limits: { unpackRatio: 500 },
    at: buildZip(zeros(16 * MIB)),
    past: buildZip(zeros(16 * MIB + 1)),
    format: ZIP,
  },
  {
    limit: "ratio of a tar archive",
    limits: { unpackRatio: 500 },
    at: gzip(buildTar(zeros(16 * MIB - 2048))),
    past: gzip(buildTar(zeros(16 * MIB))),
    format: NPM,
  },
  {
    limit: "ratio of zeros behind the end",
    limits: { unpackRatio: 500 },
    at: gzip(buildTar(files(1))),
    past: gzip(buildTar(files(1), { endBlocks: 40_000 })),
    format: NPM,
  },
  {
    limit: "path of a zip entry",
    limits: { pathBytes: 9 },
    at: buildZip([{ path: "p/1234567" }]),
    past: buildZip([{ path: "p/12345678" }]),
    format: ZIP,
  },
  {
    limit: "path of a tar entry",
    limits: { pathBytes: 9 },
    at: buildTar([{ path: "p/1234567" }]),
    past: buildTar([{ path: "p/12345678" }]),
    format: TAR,
  },
  {
    limit: "a path in a pax header",
    limits: { pathBytes: 200 },
    at: buildTar([{ path: "p".repeat(200) }]),
    past: buildTar([{ path: "p".repeat(201) }]),
    format: TAR,
  },
  {
    limit: "target of a zip link",
    limits: { pathBytes: 9 },
    at: buildZip([{ path: "l", body: "123456789", mode: 0o120777 }]),
    past: buildZip([{ path: "l", body: "1234567890", mode: 0o120777 }]),
    format: ZIP,
  },
  { limit: "manifest", limits: { manifestBytes: 100 }, at: buildZip(manifest(100)), past: buildZip(manifest(101)), format: ZIP },
  {
    limit: "an extended header",
    limits: {},
    at: buildTar([{ path: "a", pax: { comment: "c".repeat(MIB - 100) } }]),
    past: buildTar([{ path: "a", pax: { comment: "c".repeat(MIB) } }]),
    format: TAR,
  },
])("$limit: at the limit sound, past it ARCHIVE_LIMIT", async ({ limits, at, past, format }: Row) => {
  expect(await verdictOn(at, format, limits)).toBe("sound");
  expect(await verdictOn(past, format, limits)).toBe("ARCHIVE_LIMIT");
});

interface Row {
  readonly limits: Partial<ScanLimits>;
  readonly at: Buffer;
  readonly past: Buffer;
  readonly format: typeof ZIP;
}

test("several manifests are bounded together", async () => {
  const two = buildZip([
    { path: "a.dist-info/METADATA", body: "m".repeat(60) },
    { path: "b.dist-info/METADATA", body: "m".repeat(60) },
  ]);
  expect(await verdictOn(two, ZIP, { manifestBytes: 120 })).toBe("sound");
  expect(await verdictOn(two, ZIP, { manifestBytes: 119 })).toBe("ARCHIVE_LIMIT");
});

test("a 300 MB entry passes through bounded memory", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-large-"));
  try {
    const path = join(folder, "large.tgz");
    const sizeBytes = 300 * MIB;
    const archive = buildTar([{ path: "package/large", size: sizeBytes }], { endBlocks: 0 });
    const chunk = Buffer.alloc(MIB, "x");
    const bytes = function* (): Generator<Buffer> {
      yield archive;
      for (let written = 0; written < sizeBytes; written += chunk.length) yield chunk;
      yield Buffer.alloc(1024);
    };
    await pipeline(Readable.from(bytes()), createGzip({ level: zlib.Z_BEST_SPEED }), createWriteStream(path));
    const before = process.memoryUsage().rss;
    let peak = before;
    const sampler = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    const report = await scan({ path, format: NPM, limits: { ...DEFAULT_LIMITS, unpackRatio: 1000 } });
    clearInterval(sampler);
    expect(report).toMatchObject({ kind: "sound", unpackedBytes: sizeBytes + archive.length + 1024 });
    expect(statSync(path).size).toBeLessThan(sizeBytes);
    expect(peak - before).toBeLessThan(60 * MIB);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
