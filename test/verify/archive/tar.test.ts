import { expect, test } from "vitest";
import { buildAam, buildNpmTarball, buildSdist, buildTar, gzip, type TarEntry, type TarQuirks } from "../../support/archives.ts";
import { paxRecord } from "../../support/tar.ts";
import { NPM, scanBytes, TAR, verdictOn } from "./scan-bytes.ts";

const A: TarEntry = { path: "p/a.js", body: "a\n" };
const B: TarEntry = { path: "p/b.js", body: "b\n" };
/** What an attacker smuggles: a whole archive, as the content of a file. */
const INNER = buildTar([{ path: "p/evil.js", body: "evil" }]);
const LONG = `p/${"x".repeat(120)}`;

/** A GNU long name (L) or long link target (K). */
function long(type: "L" | "K", name: string): TarEntry {
  return { path: "././@LongLink", type, body: `${name}\0`, magic: "gnu" };
}

function paxBody(...records: Buffer[]): TarEntry {
  return { path: "PaxHeader", type: "x", body: Buffer.concat(records) };
}

const ATTACKS: readonly [attack: string, entries: readonly TarEntry[], code: string, quirks?: TarQuirks][] = [
  ["a folder climbed out of", [{ ...A, path: "../a" }], "ARCHIVE_UNSAFE"],
  ["a folder climbed out of further down", [{ ...A, path: "p/../../a" }], "ARCHIVE_UNSAFE"],
  ["an absolute name", [{ ...A, path: "/etc/passwd" }], "ARCHIVE_UNSAFE"],
  ["a drive", [{ ...A, path: "c:/a" }], "ARCHIVE_UNSAFE"],
  ["a backslash", [{ ...A, path: "p\\..\\..\\a" }], "ARCHIVE_UNSAFE"],
  ["a control character", [{ ...A, path: "p/\u001b[2Ja" }], "ARCHIVE_UNSAFE"],
  ["a long name that climbs out", [long("L", "../../a"), A], "ARCHIVE_UNSAFE"],
  ["a pax name that climbs out", [{ ...A, pax: { path: "../a" } }], "ARCHIVE_UNSAFE"],
  ["a symbolic link out", [{ path: "p/l", type: "2", linkpath: "../../x" }], "ARCHIVE_UNSAFE"],
  ["an absolute symbolic link", [{ path: "p/l", type: "2", linkpath: "/etc/passwd" }], "ARCHIVE_UNSAFE"],
  ["a symbolic link to nothing", [{ path: "p/l", type: "2" }], "ARCHIVE_UNSAFE"],
  ["a long link target out", [long("K", "../../x"), { path: "p/l", type: "2", linkpath: "x" }], "ARCHIVE_UNSAFE"],
  ["a link that climbs from behind another", [{ path: "p/l", type: "2", linkpath: "m/../../x" }], "ARCHIVE_UNSAFE"],
  [
    "an entry behind a link",
    [
      { path: "p/l", type: "2", linkpath: "." },
      { ...A, path: "p/l/a" },
    ],
    "ARCHIVE_UNSAFE",
  ],
  [
    "a link where a folder was",
    [
      { ...A, path: "p/l/a" },
      { path: "p/l", type: "2", linkpath: "." },
    ],
    "ARCHIVE_UNSAFE",
  ],
  ["a file where a link was", [{ path: "p/a.js", type: "2", linkpath: "b" }, A], "ARCHIVE_AMBIGUOUS"],
  ["a hard link out", [{ path: "p/l", type: "1", linkpath: "../../etc/passwd" }], "ARCHIVE_UNSAFE"],
  ["a hard link to a later file", [{ path: "p/l", type: "1", linkpath: "p/a.js" }, A], "ARCHIVE_UNSAFE"],
  [
    "a hard link to a link",
    [
      { path: "p/l", type: "2", linkpath: "a" },
      { path: "p/m", type: "1", linkpath: "p/l" },
    ],
    "ARCHIVE_UNSAFE",
  ],
  ["a character device", [{ path: "p/d", type: "3" }], "ARCHIVE_UNSAFE"],
  ["a block device", [{ path: "p/d", type: "4" }], "ARCHIVE_UNSAFE"],
  ["a FIFO", [{ path: "p/d", type: "6" }], "ARCHIVE_UNSAFE"],
  ["one name twice, not the same", [A, { ...A, body: "evil" }], "ARCHIVE_AMBIGUOUS"],
  ["one name twice, once with a dot segment", [A, { path: "./p/./a.js", body: "evil" }], "ARCHIVE_AMBIGUOUS"],
  [
    "one name in two Unicode forms",
    [
      { ...A, path: "p/\u00e4" },
      { ...B, path: "p/a\u0308" },
    ],
    "ARCHIVE_AMBIGUOUS",
  ],
  ["a file used as a folder", [A, { ...B, path: "p/a.js/b" }], "ARCHIVE_AMBIGUOUS"],
  ["a folder that is a file as well", [{ path: "p/a.js", type: "5" }, A], "ARCHIVE_AMBIGUOUS"],
  ["a pax size larger than the header's", [{ ...A, body: INNER, size: 0, pax: { size: String(INNER.length) } }], "ARCHIVE_AMBIGUOUS"],
  ["a pax size smaller than the header's", [{ ...A, body: INNER, pax: { size: "0" } }], "ARCHIVE_AMBIGUOUS"],
  ["a folder with content", [{ path: "p/d", type: "5", body: INNER }], "ARCHIVE_AMBIGUOUS"],
  ["a folder with content, by its slash", [{ path: "p/d/", body: INNER }], "ARCHIVE_AMBIGUOUS"],
  ["a link with content", [{ path: "p/l", type: "2", linkpath: "a", body: INNER }], "ARCHIVE_AMBIGUOUS"],
  ["a hard link with content", [A, { path: "p/l", type: "1", linkpath: "p/a.js", body: INNER }], "ARCHIVE_AMBIGUOUS"],
  ["a file with a link target, which npm reads on in", [{ ...A, linkpath: "x", body: INNER }], "ARCHIVE_AMBIGUOUS"],
  ["a file with a pax link target", [{ ...A, pax: { linkpath: "x" } }], "ARCHIVE_AMBIGUOUS"],
  ["a type that some skip", [{ ...A, type: "Z" }], "ARCHIVE_AMBIGUOUS"],
  ["a sparse file", [{ ...A, type: "S" }], "ARCHIVE_UNSUPPORTED"],
  ["a sparse file in pax", [{ ...A, pax: { "GNU.sparse.major": "1" } }], "ARCHIVE_UNSUPPORTED"],
  ["a global name", [{ path: "g", type: "g", body: paxRecord("path", "p/x") }, A], "ARCHIVE_AMBIGUOUS"],
  ["two pax names for one entry", [paxBody(paxRecord("path", "p/x")), paxBody(paxRecord("path", "p/y")), A], "ARCHIVE_AMBIGUOUS"],
  ["two pax names in one header", [paxBody(paxRecord("path", "p/x"), paxRecord("path", "p/y")), A], "ARCHIVE_AMBIGUOUS"],
  ["a pax name and a long name", [long("L", "p/x"), { ...A, pax: { path: "p/y" } }], "ARCHIVE_AMBIGUOUS"],
  [
    "a pax record inside another's value, which npm reads",
    [{ ...A, pax: { comment: `x\n${paxRecord("path", "p/evil").toString()}` } }],
    "ARCHIVE_AMBIGUOUS",
  ],
  ["a pax name with a NUL", [{ ...A, pax: { path: "p/a.js\0.txt" } }], "ARCHIVE_AMBIGUOUS"],
  ["a pax header in another character set", [{ ...A, pax: { hdrcharset: "BINARY" } }], "ARCHIVE_AMBIGUOUS"],
  ["a pax record of a wrong length", [paxBody(Buffer.from("99 path=p/x\n")), A], "ARCHIVE_MALFORMED"],
  ["a pax record without a length", [paxBody(Buffer.from("path=p/x\n")), A], "ARCHIVE_MALFORMED"],
  ["a pax size that is no number", [{ ...A, pax: { size: "0x10" } }], "ARCHIVE_MALFORMED"],
  ["a long name with hidden bytes", [{ ...long("L", "p/x"), body: "p/x\0p/y\0" }, A], "ARCHIVE_AMBIGUOUS"],
  ["a name with a line feed hidden behind its end", [{ ...A, alter: (block) => void block.write("\0\nx", 50) }], "ARCHIVE_AMBIGUOUS"],
  ["a prefix under the GNU magic", [{ ...A, magic: "gnu", alter: (block) => void block.write("x", 345) }], "ARCHIVE_AMBIGUOUS"],
  ["a prefix under no magic", [{ ...A, magic: "v7", alter: (block) => void block.write("x", 345) }], "ARCHIVE_AMBIGUOUS"],
  ["another magic", [{ ...A, alter: (block) => void block.write("tarus\0", 257) }], "ARCHIVE_MALFORMED"],
  ["a wrong header checksum", [{ ...A, brokenChecksum: true }], "ARCHIVE_MALFORMED"],
  ["a size that is no number", [{ ...A, alter: (block) => void block.write("2junk", 124) }], "ARCHIVE_MALFORMED"],
  ["a negative size", [{ ...A, alter: (block) => void block.fill(0xff, 124, 136) }], "ARCHIVE_MALFORMED"],
  ["no name", [{ ...A, path: "" }], "ARCHIVE_MALFORMED"],
  ["a header that belongs to no entry", [A, paxBody(paxRecord("path", "p/x"))], "ARCHIVE_MALFORMED"],
  ["entries behind the end", [A], "ARCHIVE_AMBIGUOUS", { trailing: INNER }],
  ["entries behind one zero block, which ends it for Python only", [A], "ARCHIVE_AMBIGUOUS", { endBlocks: 1, trailing: INNER }],
  ["other data behind the end", [A], "ARCHIVE_AMBIGUOUS", { trailing: Buffer.from("x") }],
  ["a header cut short", [A], "ARCHIVE_MALFORMED", { endBlocks: 0, trailing: INNER.subarray(0, 100) }],
  ["content cut short", [A], "ARCHIVE_MALFORMED", { endBlocks: 0, trailing: INNER.subarray(0, 514) }],
  ["content cut off", [{ ...A, size: 5000 }], "ARCHIVE_MALFORMED"],
  ["no entry at all", [], "ARCHIVE_MALFORMED"],
];

test.each(ATTACKS)("a tar archive with %s is refused", async (_attack, entries, code, quirks) => {
  expect(await verdictOn(buildTar(entries, quirks), TAR)).toBe(code);
});

test("links are refused where the format has none", async () => {
  const symbolic = buildTar([A, { path: "p/l", type: "2", linkpath: "a.js" }]);
  const hard = buildTar([A, { path: "p/l", type: "1", linkpath: "p/a.js" }]);
  for (const bytes of [symbolic, hard]) {
    expect(await verdictOn(bytes, { ...TAR, symlinks: "refuse" })).toBe("ARCHIVE_UNSAFE");
    expect(await verdictOn(bytes, TAR)).toBe("sound");
  }
});

const GOOD: readonly [oddity: string, entries: readonly TarEntry[], quirks?: TarQuirks][] = [
  ["no end blocks", [A, B], { endBlocks: 0 }],
  ["one end block", [A, B], { endBlocks: 1 }],
  ["twenty blocks of padding", [A, B], { endBlocks: 20 }],
  ["padding that is no whole block", [A], { trailing: Buffer.alloc(100) }],
  ["folders, twice", [{ path: "p/", type: "5" }, A, { path: "p", type: "5" }]],
  ["a folder written as a file with a slash", [{ path: "p/", type: "\0" }, A]],
  [
    "the root as a folder, and dots before names",
    [
      { path: "./", type: "5" },
      { ...A, path: "./p/a.js" },
    ],
  ],
  ["double slashes", [{ ...A, path: "p//a.js" }, B]],
  ["one file twice, the same", [A, A]],
  ["names that differ in case", [A, { ...B, path: "p/A.js" }]],
  [
    "old headers",
    [
      { ...A, magic: "v7", type: "\0" },
      { ...B, magic: "gnu", type: "7" },
    ],
  ],
  ["a long GNU name", [long("L", LONG), { ...A, path: LONG.slice(0, 99), magic: "gnu" }]],
  ["a long pax name", [{ ...A, path: LONG }]],
  ["a name with a prefix", [{ ...A, alter: (block) => void block.write("prefix", 345) }]],
  ["pax records of others", [{ ...A, pax: { mtime: "1.5", "NODETAR.depth": "1", "SCHILY.xattr.x": "a\nb" } }]],
  ["a pax size that says the same", [{ ...A, pax: { size: "2" } }]],
  ["a global comment, as GitHub writes it", [{ path: "pax_global_header", type: "g", body: paxRecord("comment", "0".repeat(40)) }, A]],
  ["a link inside", [A, { path: "p/x/l", type: "2", linkpath: "../a.js" }]],
  ["a hard link to an earlier file", [A, { path: "p/l", type: "1", linkpath: "p/a.js" }]],
  ["setuid bits", [{ ...A, mode: 0o4755 }]],
  ["a name that is no UTF-8", [{ ...A, alter: (block) => void block.writeUInt8(0xe9, 4) }]],
];

test.each(GOOD)("a tar archive with %s is sound", async (_oddity, entries, quirks) => {
  expect(await scanBytes(buildTar(entries, quirks), TAR)).toMatchObject({ kind: "sound", entries: expect.any(Number) });
});

/** npm and pnpm drop the first folder, so names that differ only there are one file. */
test.each([
  { name: "two roots, one file", entries: ["package/a.js", "x/a.js"], code: "ARCHIVE_AMBIGUOUS" },
  { name: "a file at the root, which only pnpm unpacks", entries: ["package/package.json", "package.json"], code: "ARCHIVE_AMBIGUOUS" },
  { name: "two roots, two files", entries: ["package/a.js", "x/b.js"], code: "sound" },
  { name: "a root that is a dot", entries: ["./a/index.js", "./b/index.js"], code: "sound" },
  { name: "a climb that shows once the first folder is dropped", entries: ["package/C:/x"], code: "ARCHIVE_UNSAFE" },
])("in an npm tarball, $name: $code", async ({ entries, code }) => {
  expect(await verdictOn(gzip(buildTar(entries.map((path, index) => ({ path, body: `${index}` })))), NPM)).toBe(code);
});

test("an sdist's, an npm tarball's and an AAM package's manifest is read out, and nothing else", async () => {
  const sdist = buildSdist({ name: "demo", version: "1.0", files: { "demo.egg-info/PKG-INFO": "no" } });
  expect(await scanBytes(sdist.bytes, { ...TAR, container: "tar.gz" })).toMatchObject({
    manifests: [{ path: "demo-1.0/PKG-INFO", body: sdist.manifest }],
  });
  const tarball = buildNpmTarball({ name: "demo", version: "1.0.0", files: { "node_modules/x/package.json": "no" } });
  expect(await scanBytes(tarball.bytes, NPM)).toMatchObject({ manifests: [{ path: "package/package.json", body: tarball.manifest }] });
  const aam = buildAam({ name: "@acme/demo", version: "1.0.0", files: { "x/package.agent.json": "no" } });
  const format = { ...TAR, container: "tar.gz", manifests: [{ depth: 1, name: "package.agent.json" }] } as const;
  expect(await scanBytes(aam.bytes, format)).toMatchObject({ manifests: [{ path: "package.agent.json", body: aam.manifest }] });
});
