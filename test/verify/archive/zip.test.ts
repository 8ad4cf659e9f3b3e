import { crc32, deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildTar, buildWheel, buildZip, type ZipEntry, type ZipQuirks } from "../../support/archives.ts";
import { scanBytes, verdictOn, ZIP } from "./scan-bytes.ts";

const A: ZipEntry = { path: "a.py", body: "a = 1\n" };
const B: ZipEntry = { path: "b.py", body: "b = 2\n" };
const LINK = 0o120777;

/** One extra field: id, length, data. */
function extra(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

function unicodePath(name: string, forName: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt32LE(crc32(forName), 1);
  return extra(0x7075, Buffer.concat([head, Buffer.from(name)]));
}

function zip64(...values: number[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) data.writeBigUInt64LE(BigInt(value), 8 * index);
  return extra(1, data);
}

/** Both headers say the same. */
function both(entry: ZipEntry, fields: NonNullable<ZipEntry["local"]>): ZipEntry {
  return { ...entry, local: { ...entry.local, ...fields }, central: { ...entry.central, ...fields } };
}

const packed = deflateRawSync("a = 1\n");

const ATTACKS: readonly [attack: string, entries: readonly ZipEntry[], code: string, quirks?: ZipQuirks][] = [
  ["data before the archive, offsets as if there were none", [A], "ARCHIVE_AMBIGUOUS", { prepend: Buffer.from("#!/bin/sh\n") }],
  ["a tar archive before it (CVE-2026-3219)", [A], "ARCHIVE_AMBIGUOUS", { prepend: buildTar([{ path: "evil.py", body: "x" }]) }],
  ["data before it, offsets adjusted", [{ ...A, gap: Buffer.from("#!/bin/sh\n") }], "ARCHIVE_AMBIGUOUS"],
  ["data after the archive", [A], "ARCHIVE_AMBIGUOUS", { append: Buffer.from("x") }],
  ["a second archive after it", [A], "ARCHIVE_AMBIGUOUS", { append: buildZip([B]) }],
  ["a second archive in the comment", [A], "ARCHIVE_AMBIGUOUS", { comment: buildZip([B]) }],
  ["a record in the comment", [A], "ARCHIVE_AMBIGUOUS", { comment: Buffer.from("PK\x03\x04") }],
  ["a comment cut short", [A], "ARCHIVE_MALFORMED", { alterEnd: (end) => end.writeUInt16LE(9, 20) }],
  ["an entry between two others that the directory does not name", [A, { ...B, gap: buildZip([A]).subarray(0, 42) }], "ARCHIVE_AMBIGUOUS"],
  ["data before the directory", [A], "ARCHIVE_AMBIGUOUS", { beforeDirectory: Buffer.from("x") }],
  ["data behind the directory", [A], "ARCHIVE_AMBIGUOUS", { afterDirectory: Buffer.from("x") }],
  ["a directory with more entries than are counted", [A, B], "ARCHIVE_AMBIGUOUS", { alterEnd: (end) => counted(end, 1) }],
  [
    "data in the directory behind its entries",
    [A],
    "ARCHIVE_AMBIGUOUS",
    { afterDirectory: Buffer.from("x"), alterEnd: (end) => void end.writeUInt32LE(end.readUInt32LE(12) + 1, 12) },
  ],
  ["a directory with fewer", [A], "ARCHIVE_MALFORMED", { alterEnd: (end) => counted(end, 2) }],
  ["two counts", [A], "ARCHIVE_AMBIGUOUS", { alterEnd: (end) => void end.writeUInt16LE(2, 8) }],
  ["several disks", [A], "ARCHIVE_UNSUPPORTED", { alterEnd: (end) => void end.writeUInt16LE(1, 4) }],
  ["zip64 records that disagree with the end record", [A], "ARCHIVE_AMBIGUOUS", { zip64: true, alterEnd: (end) => counted(end, 2) }],
  [
    "zip64 records with a part of their own",
    [A],
    "ARCHIVE_MALFORMED",
    { zip64: true, alterZip64End: (end) => void end.writeBigUInt64LE(99n, 4) },
  ],
  ["data between the directory and its zip64 records", [A], "ARCHIVE_AMBIGUOUS", { zip64: true, afterDirectory: Buffer.from("x") }],
  ["another name in the local header", [{ ...A, local: { path: "z.py" } }], "ARCHIVE_AMBIGUOUS"],
  ["another method", [{ ...A, local: { method: 0 } }], "ARCHIVE_AMBIGUOUS"],
  ["another size", [{ ...A, local: { size: 7 } }], "ARCHIVE_AMBIGUOUS"],
  ["another compressed size", [{ ...A, local: { compressedSize: 1 } }], "ARCHIVE_AMBIGUOUS"],
  ["another checksum", [{ ...A, local: { crc: 1 } }], "ARCHIVE_AMBIGUOUS"],
  ["a descriptor by one header only", [{ ...A, local: { flags: 0x808 } }], "ARCHIVE_AMBIGUOUS"],
  ["UTF-8 by one header only, for a name that is not ASCII", [{ ...A, path: "ä.py", local: { flags: 0 } }], "ARCHIVE_AMBIGUOUS"],
  ["a descriptor announced but not there", [{ ...A, flags: 0x808 }], "ARCHIVE_AMBIGUOUS"],
  ["a descriptor of other sizes", [{ ...A, descriptor: "signed", central: { size: 7 } }], "ARCHIVE_AMBIGUOUS"],
  ["two entries in one place on disk", [A, { ...B, central: { offset: 0 } }], "ARCHIVE_AMBIGUOUS"],
  ["entries that overlap", [A, { ...B, central: { offset: 10 } }], "ARCHIVE_AMBIGUOUS"],
  ["another name in the Unicode path field", [{ ...A, central: { extra: unicodePath("z.py", "a.py") } }], "ARCHIVE_AMBIGUOUS"],
  ["another name in the local Unicode path field", [{ ...A, local: { extra: unicodePath("z.py", "a.py") } }], "ARCHIVE_AMBIGUOUS"],
  ["a Unicode path field for another name", [{ ...A, central: { extra: unicodePath("a.py", "z.py") } }], "ARCHIVE_AMBIGUOUS"],
  ["two zip64 fields", [{ ...A, central: { extra: Buffer.concat([zip64(), zip64()]) } }], "ARCHIVE_AMBIGUOUS"],
  ["a zip64 field with another size", [{ ...A, central: { extra: zip64(7) } }], "ARCHIVE_AMBIGUOUS"],
  ["an extra field longer than there is room", [{ ...A, central: { extra: Buffer.from([1, 0, 9, 0]) } }], "ARCHIVE_MALFORMED"],
  ["encryption", [{ ...A, flags: 1 }], "ARCHIVE_UNSUPPORTED"],
  ["masked headers", [{ ...A, flags: 0x2000 }], "ARCHIVE_UNSUPPORTED"],
  ["patch data", [{ ...A, flags: 0x20 }], "ARCHIVE_UNSUPPORTED"],
  ["LZMA", [{ ...A, method: 14 }], "ARCHIVE_UNSUPPORTED"],
  ["a folder climbed out of", [{ ...A, path: "../a.py" }], "ARCHIVE_UNSAFE"],
  ["a folder climbed out of further down", [{ ...A, path: "x/../../a.py" }], "ARCHIVE_UNSAFE"],
  ["an absolute name", [{ ...A, path: "/etc/a.py" }], "ARCHIVE_UNSAFE"],
  ["a drive", [{ ...A, path: "C:a.py" }], "ARCHIVE_UNSAFE"],
  ["a backslash", [{ ...A, path: "x\\..\\a.py" }], "ARCHIVE_UNSAFE"],
  ["a NUL", [{ ...A, path: "a.py\0.txt" }], "ARCHIVE_UNSAFE"],
  ["a line feed", [{ ...A, path: "a\n.py" }], "ARCHIVE_UNSAFE"],
  ["an empty segment", [{ ...A, path: "x//a.py" }], "ARCHIVE_AMBIGUOUS"],
  ["a dot segment", [{ ...A, path: "./a.py" }], "ARCHIVE_AMBIGUOUS"],
  ["a name that is no UTF-8", [{ ...A, path: Buffer.from([0x61, 0xff]) }], "ARCHIVE_MALFORMED"],
  ["one name twice", [A, { ...A, body: "evil" }], "ARCHIVE_AMBIGUOUS"],
  ["one name twice, the same content", [A, A], "ARCHIVE_AMBIGUOUS"],
  [
    "one name in two Unicode forms",
    [
      { ...A, path: "\u00e4.py" },
      { ...B, path: "a\u0308.py" },
    ],
    "ARCHIVE_AMBIGUOUS",
  ],
  [
    "a name that normalises to ASCII",
    [
      { ...A, path: "K.py" },
      { ...B, path: "\u212a.py" },
    ],
    "ARCHIVE_AMBIGUOUS",
  ],
  [
    "one name, flagged as UTF-8 once",
    [
      { ...A, path: "\u00e4.py" },
      { ...B, path: "\u00e4.py", flags: 0 },
    ],
    "ARCHIVE_AMBIGUOUS",
  ],
  ["a file used as a folder", [A, { ...B, path: "a.py/b.py" }], "ARCHIVE_AMBIGUOUS"],
  ["a folder used as a file", [{ ...B, path: "a.py/b.py" }, A], "ARCHIVE_AMBIGUOUS"],
  ["a folder with content", [{ ...A, path: "x/" }], "ARCHIVE_AMBIGUOUS"],
  ["a folder with data that unpacks to content", [{ path: "x/", data: packed }, A], "ARCHIVE_MALFORMED"],
  ["a folder with data behind its empty content", [{ path: "x/", data: Buffer.from([3, 0, 1]) }, A], "ARCHIVE_AMBIGUOUS"],
  ["a folder without data and with a checksum", [both({ path: "x/", data: Buffer.alloc(0) }, { crc: 1 }), A], "ARCHIVE_MALFORMED"],
  ["a file marked as deflated without any data", [{ path: "a.py", data: Buffer.alloc(0) }], "ARCHIVE_MALFORMED"],
  ["a folder by its mode, a file by its name", [{ ...A, mode: 0o040755 }], "ARCHIVE_AMBIGUOUS"],
  ["a link by its mode, a folder by its name", [{ path: "x/", mode: LINK }], "ARCHIVE_AMBIGUOUS"],
  ["a device", [{ ...A, mode: 0o020666 }], "ARCHIVE_UNSAFE"],
  ["a link out", [{ path: "x/l", body: "../../etc/passwd", mode: LINK }], "ARCHIVE_UNSAFE"],
  ["an absolute link", [{ path: "x/l", body: "/etc/passwd", mode: LINK }], "ARCHIVE_UNSAFE"],
  ["a link that climbs from behind a name", [{ path: "x/l", body: "y/../../z", mode: LINK }], "ARCHIVE_UNSAFE"],
  [
    "an entry behind a link",
    [
      { path: "l", body: "x", mode: LINK },
      { ...A, path: "l/a.py" },
    ],
    "ARCHIVE_UNSAFE",
  ],
  ["content larger than declared", [both(A, { size: 5 })], "ARCHIVE_MALFORMED"],
  ["large content larger than declared", [both({ ...A, body: Buffer.alloc(1_000_000) }, { size: 300_000 })], "ARCHIVE_MALFORMED"],
  ["content smaller than declared", [both(A, { size: 7 })], "ARCHIVE_MALFORMED"],
  ["content of another checksum", [both(A, { crc: 1 })], "ARCHIVE_MALFORMED"],
  [
    "data hidden behind the compressed content",
    [both({ ...A, data: Buffer.concat([packed, Buffer.from("evil")]) }, { compressedSize: packed.length + 4 })],
    "ARCHIVE_AMBIGUOUS",
  ],
  ["content that does not inflate", [{ ...A, data: Buffer.from([0xff, 0xff, 0xff]) }], "ARCHIVE_MALFORMED"],
  ["content cut short", [{ ...A, data: packed.subarray(0, 3) }], "ARCHIVE_MALFORMED"],
  ["stored content of two sizes", [both({ ...A, method: 0 }, { size: 7 })], "ARCHIVE_MALFORMED"],
  ["no entry at all", [], "ARCHIVE_MALFORMED"],
];

function counted(end: Buffer, entries: number): void {
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
}

test.each(ATTACKS)("a zip archive with %s is refused", async (_attack, entries, code, quirks) => {
  expect(await verdictOn(buildZip(entries, quirks), ZIP)).toBe(code);
});

test.each([
  { name: "nothing", bytes: Buffer.alloc(0) },
  { name: "no zip archive", bytes: buildTar([{ path: "a", body: "a" }]) },
  { name: "half of one", bytes: buildZip([A, B]).subarray(0, 60) },
  { name: "its second half", bytes: buildZip([A, B]).subarray(60) },
])("$name is refused", async ({ bytes }) => {
  expect(await verdictOn(bytes, ZIP)).toMatch(/^ARCHIVE_(MALFORMED|AMBIGUOUS)$/);
});

test("links are refused where the format has none", async () => {
  const bytes = buildZip([A, { path: "l", body: "a.py", mode: LINK }]);
  expect(await verdictOn(bytes, { ...ZIP, symlinks: "refuse" })).toBe("ARCHIVE_UNSAFE");
  expect(await verdictOn(bytes, ZIP)).toBe("sound");
});

const GOOD: readonly [oddity: string, entries: readonly ZipEntry[], quirks?: ZipQuirks][] = [
  ["stored entries", [{ ...A, method: 0 }, B]],
  ["an empty file, stored and deflated", [{ path: "a", method: 0 }, { path: "b" }]],
  [
    "folders of their own",
    [
      { path: "x/", method: 0, mode: 0o040755 },
      { ...A, path: "x/a.py" },
      { path: "x/", method: 0 },
    ],
  ],
  ["an empty folder that is deflated, as Java writes it", [{ path: "x/" }, A]],
  ["a folder marked as deflated without any data, as old versions of Python wrote it", [{ path: "x/", data: Buffer.alloc(0) }, A]],
  [
    "descriptors with a signature",
    [
      { ...A, descriptor: "signed" },
      { ...B, descriptor: "signed" },
    ],
  ],
  ["descriptors without", [{ ...A, descriptor: "unsigned" }, B]],
  [
    "a descriptor, and sizes in the header as well",
    [{ ...A, descriptor: "signed", local: { crc: crc32("a = 1\n"), size: 6, compressedSize: packed.length } }],
  ],
  ["a comment", [A], { comment: Buffer.from("built by a tool") }],
  ["zip64 end records", [A, B], { zip64: true }],
  [
    "a zip64 field with all values, as Go writes it",
    [{ ...A, central: { extra: zip64(6, packed.length, 0), size: 0xffffffff, compressedSize: 0xffffffff } }],
  ],
  ["a zip64 field with the offset alone, as Python writes it past 2 GiB", [{ ...A, central: { extra: zip64(0), offset: 0xffffffff } }]],
  ["zip64 sizes in the local header", [{ ...A, local: { extra: zip64(6, packed.length), size: 0xffffffff, compressedSize: 0xffffffff } }]],
  ["a Unicode path field that says the same", [{ ...A, central: { extra: unicodePath("a.py", "a.py") } }]],
  ["names in UTF-8", [{ ...A, path: "přehled/概要.py" }]],
  ["names without the UTF-8 flag", [{ ...A, path: Buffer.from([0x61, 0x84]), flags: 0 }]],
  ["names that differ in case", [A, { ...B, path: "A.py" }]],
  ["a zip archive inside, stored", [{ path: "inner.zip", body: buildZip([A]), method: 0 }, B]],
  ["a link that its tool emptied", [{ path: "bin/npm", mode: LINK }]],
  ["a link inside", [{ path: "x/l", body: "../a.py", mode: LINK }, A]],
];

test.each(GOOD)("a zip archive with %s is sound", async (_oddity, entries, quirks) => {
  expect(await scanBytes(buildZip(entries, quirks), ZIP)).toMatchObject({ kind: "sound", entries: entries.length });
});

test("the directory may list entries in another order than they stand", async () => {
  const first = buildZip([A]);
  const size = first.readUInt32LE(first.length - 22 + 16);
  const swapped = buildZip([
    { ...A, central: { ...asCentral(B), offset: size } },
    { ...B, central: { ...asCentral(A), offset: 0 } },
  ]);
  expect(await verdictOn(swapped, ZIP)).toBe("sound");
});

function asCentral(entry: ZipEntry): NonNullable<ZipEntry["central"]> {
  const body = Buffer.from(entry.body ?? "");
  return { path: entry.path, crc: crc32(body), size: body.length, compressedSize: deflateRawSync(body).length };
}

test("a wheel's METADATA is read out, and nothing else", async () => {
  const wheel = buildWheel({ name: "demo", version: "1.0", files: { "x/METADATA": "no", "demo-1.0.dist-info/sub/METADATA": "no" } });
  const report = await scanBytes(wheel.bytes, ZIP);
  expect(report).toMatchObject({ kind: "sound", manifests: [{ path: "demo-1.0.dist-info/METADATA", body: wheel.manifest }] });
});

test("content larger than declared ends the scan where it passes the declared size, not at its own end", async () => {
  for (const sizeBytes of [1000, 300_000]) {
    const report = await scanBytes(buildZip([both({ ...A, body: Buffer.alloc(20_000_000) }, { size: sizeBytes })]), ZIP);
    expect(report).toMatchObject({ detail: expect.stringContaining(`unpacks to more than the ${sizeBytes} bytes it declares`) });
  }
});

test("a finding names the entry, escaped", async () => {
  const report = await scanBytes(buildZip([{ ...A, path: "../\u202e\u0007evil" }]), ZIP);
  expect(report).toMatchObject({
    code: "ARCHIVE_UNSAFE",
    detail: String.raw`entry "../\u202e\u0007evil" has a control character in its name`,
  });
});
