import { execFileSync } from "node:child_process";
import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ArchiveFormat } from "../../../src/core/ports/ecosystem.ts";
import { buildTar, buildWheel, buildZip, gzip } from "../../support/archives.ts";
import { scanBytes, TAR, verdictOn, ZIP } from "./scan-bytes.ts";

const TAR_BYTES = buildTar([{ path: "p-1.0/PKG-INFO", body: "Name: p\n" }]);
const OTHER_TAR = buildTar([{ path: "p-1.0/evil.py", body: "evil" }]);

function formatOf(container: ArchiveFormat["container"]): ArchiveFormat {
  return { ...TAR, container };
}

/** A gzip header with every optional field, as RFC 1952 orders them, before the deflate data of `tar`. */
function gzipWithEverything(tar: Buffer): Buffer {
  const plain = gzipSync(tar);
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 255, 3, 0]),
    Buffer.from("xyzname\0comment\0", "latin1"),
  ]);
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(crc32(head) & 0xffff);
  return Buffer.concat([head, crc, plain.subarray(10)]);
}

function altered(bytes: Buffer, position: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(value, position < 0 ? copy.length + position : position);
  return copy;
}

// Node cannot pack bzip2; Python can, and sdists are what it is for.
const bzip2 = (bytes: Buffer): Buffer =>
  execFileSync("python3", ["-c", "import bz2,sys; sys.stdout.buffer.write(bz2.compress(sys.stdin.buffer.read()))"], { input: bytes });

describe("gzip", () => {
  const GOOD = gzip(TAR_BYTES);
  test.each([
    { attack: "a second member, which some readers append", bytes: Buffer.concat([GOOD, gzip(OTHER_TAR)]), code: "ARCHIVE_AMBIGUOUS" },
    { attack: "a second member behind zeros", bytes: Buffer.concat([GOOD, Buffer.alloc(512), gzip(OTHER_TAR)]), code: "ARCHIVE_AMBIGUOUS" },
    { attack: "other data behind it", bytes: Buffer.concat([GOOD, Buffer.from("x")]), code: "ARCHIVE_AMBIGUOUS" },
    { attack: "a zip archive behind it", bytes: Buffer.concat([GOOD, buildZip([{ path: "a" }])]), code: "ARCHIVE_AMBIGUOUS" },
    { attack: "data before it", bytes: Buffer.concat([Buffer.from("x"), GOOD]), code: "ARCHIVE_MALFORMED" },
    { attack: "a wrong checksum", bytes: altered(GOOD, -8, 0), code: "ARCHIVE_MALFORMED" },
    { attack: "a wrong length", bytes: altered(GOOD, -1, 1), code: "ARCHIVE_MALFORMED" },
    { attack: "no trailer", bytes: GOOD.subarray(0, -8), code: "ARCHIVE_MALFORMED" },
    { attack: "half its data", bytes: GOOD.subarray(0, GOOD.length / 2), code: "ARCHIVE_MALFORMED" },
    { attack: "a header only", bytes: GOOD.subarray(0, 10), code: "ARCHIVE_MALFORMED" },
    { attack: "reserved flags", bytes: altered(GOOD, 3, 0x20), code: "ARCHIVE_MALFORMED" },
    { attack: "another method", bytes: altered(GOOD, 2, 7), code: "ARCHIVE_MALFORMED" },
    {
      attack: "a name without end",
      bytes: Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255]), Buffer.alloc(70_000, "n")]),
      code: "ARCHIVE_MALFORMED",
    },
    { attack: "a wrong header checksum", bytes: altered(gzipWithEverything(TAR_BYTES), 4, 1), code: "ARCHIVE_MALFORMED" },
    { attack: "no gzip, but tar", bytes: TAR_BYTES, code: "ARCHIVE_MALFORMED" },
    { attack: "a zip archive", bytes: buildWheel({ name: "p", version: "1" }).bytes, code: "ARCHIVE_MALFORMED" },
  ])("$attack: $code", async ({ bytes, code }) => {
    expect(await verdictOn(bytes, formatOf("tar.gz"))).toBe(code);
  });

  test.each([
    { oddity: "zero padding behind it, as old npm tarballs have", bytes: Buffer.concat([GOOD, Buffer.alloc(7867)]) },
    { oddity: "a name, a comment, an extra field and a header checksum", bytes: gzipWithEverything(TAR_BYTES) },
  ])("$oddity is sound", async ({ bytes }) => {
    expect(await scanBytes(bytes, formatOf("tar.gz"))).toMatchObject({ kind: "sound", manifests: [{ path: "p-1.0/PKG-INFO" }] });
  });
});

describe("bzip2", () => {
  test("an sdist is sound, whatever its size", async () => {
    const large = buildTar([
      { path: "p-1.0/PKG-INFO", body: "Name: p\n" },
      { path: "p-1.0/data", body: Buffer.alloc(300_000, "abc") },
    ]);
    expect(await scanBytes(bzip2(large), formatOf("tar.bz2"))).toMatchObject({
      kind: "sound",
      manifests: [{ body: Buffer.from("Name: p\n") }],
    });
  });

  test("what is wrong with its data or its content is found", async () => {
    const good = bzip2(TAR_BYTES);
    const verdict = (bytes: Buffer): Promise<string> => verdictOn(bytes, formatOf("tar.bz2"));
    expect(await verdict(Buffer.concat([good, bzip2(OTHER_TAR)]))).toBe("ARCHIVE_AMBIGUOUS");
    expect(await verdict(Buffer.concat([good, Buffer.from("x")]))).toBe("ARCHIVE_AMBIGUOUS");
    expect(await verdict(good.subarray(0, -4))).toBe("ARCHIVE_MALFORMED");
    expect(await verdict(altered(good, Math.floor(good.length / 2), 0))).toBe("ARCHIVE_MALFORMED");
    expect(await verdict(TAR_BYTES)).toBe("ARCHIVE_MALFORMED");
    expect(await verdict(bzip2(buildTar([{ path: "../x" }])))).toBe("ARCHIVE_UNSAFE");
  });
});

describe("other containers", () => {
  test("plain tar and zstd are sound", async () => {
    expect(await verdictOn(TAR_BYTES, formatOf("tar"))).toBe("sound");
    expect(await verdictOn(zstdCompressSync(TAR_BYTES), formatOf("tar.zst"))).toBe("sound");
  });

  test("data behind a zstd frame, and half of one, are refused", async () => {
    const frame = zstdCompressSync(TAR_BYTES);
    expect(await verdictOn(Buffer.concat([frame, Buffer.from("x")]), formatOf("tar.zst"))).toMatch(/^ARCHIVE_(AMBIGUOUS|MALFORMED)$/);
    expect(await verdictOn(Buffer.concat([frame, zstdCompressSync(OTHER_TAR)]), formatOf("tar.zst"))).toBe("ARCHIVE_AMBIGUOUS");
    expect(await verdictOn(frame.subarray(0, 40), formatOf("tar.zst"))).toBe("ARCHIVE_MALFORMED");
  });

  test("xz cannot be checked, and says so", async () => {
    expect(await scanBytes(TAR_BYTES, formatOf("tar.xz"))).toMatchObject({
      code: "ARCHIVE_UNSUPPORTED",
      detail: expect.stringContaining("xz"),
    });
  });
});

test("a file that cannot be read says nothing about the archive", async () => {
  const { scan } = await import("../../../src/verify/archive/scan.ts");
  const { DEFAULT_LIMITS } = await import("../../../src/core/limits.ts");
  expect(await scan({ path: "/nonexistent/archive", format: ZIP, limits: DEFAULT_LIMITS })).toMatchObject({ kind: "unreadable" });
});

/** No byte of an archive, however it is changed, makes the scan itself fail: it ends in a report. */
test.each([
  { name: "wheel", bytes: buildWheel({ name: "p", version: "1" }).bytes, format: ZIP },
  {
    name: "zip64",
    bytes: buildZip([{ path: "a", body: "a", descriptor: "signed" }], { zip64: true, comment: Buffer.from("c") }),
    format: ZIP,
  },
  {
    name: "tar",
    bytes: buildTar([
      { path: "p/a", body: "a", pax: { mtime: "1" } },
      { path: "p/l", type: "2", linkpath: "a" },
    ]),
    format: TAR,
  },
  { name: "gzip", bytes: gzip(TAR_BYTES), format: formatOf("tar.gz") },
  { name: "bzip2", bytes: bzip2(TAR_BYTES), format: formatOf("tar.bz2") },
  { name: "zstd", bytes: zstdCompressSync(TAR_BYTES), format: formatOf("tar.zst") },
])("each byte of a $name, set to 0, to 255 and flipped, ends in a report", async ({ bytes, format }) => {
  const kinds = new Set<string>();
  const step = Math.ceil(bytes.length / 120);
  for (let position = 0; position < bytes.length; position += step) {
    const byte = bytes.readUInt8(position);
    for (const value of [0, 255, byte ^ 1, byte ^ 0x80]) kinds.add((await scanBytes(altered(bytes, position, value), format)).kind);
  }
  expect([...kinds].sort()).toEqual(["sound", "unsound"]);
});
