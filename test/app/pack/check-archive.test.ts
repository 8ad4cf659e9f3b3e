import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { type ArchiveCheck, type CheckOptions, checkArchive } from "../../../src/app/pack/check-archive.ts";
import { packFolder } from "../../../src/app/pack/pack-folder.ts";
import { buildTar, gzip, type TarEntry, type TarQuirks } from "../../support/archives.ts";
import { folderOf, manifestText, packageContent } from "../../support/package-folder.ts";

const CONTENT = packageContent();
/** The entries of a package in their order, written by the tests' own tar writer. */
const ENTRIES: readonly TarEntry[] = Object.entries(CONTENT)
  .map(([path, body]): TarEntry => ({ path, body: String(body) }))
  .sort((a, b) => (a.path < b.path ? -1 : 1));

const changed = (path: string, change: Partial<TarEntry>) =>
  ENTRIES.map((entry) => (entry.path === path ? { ...entry, ...change } : entry));
const inserted = (entry: TarEntry) => [...ENTRIES, entry].sort((a, b) => (a.path < b.path ? -1 : 1));
const field = (at: number, text: string) => (header: Buffer) => void header.write(text, at, "latin1");

async function check(bytes: Buffer, options: CheckOptions = {}): Promise<ArchiveCheck> {
  const folder = mkdtempSync(join(tmpdir(), "assay-checked-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "a.aam");
  writeFileSync(path, bytes);
  return await checkArchive(path, options);
}

const checkTar = (entries: readonly TarEntry[], quirks: TarQuirks = {}) => check(gzip(buildTar(entries, quirks)));

/** What every archive of the tests' own writer differs in, since its headers and its gzip are not ours. */
const ALWAYS_OTHER = ["header-form", "compression", "gzip-header"];

test.each<{ name: string; entries: readonly TarEntry[]; code: string; weight: string; path?: string; got?: RegExp }>([
  { name: "an order of its own", entries: ENTRIES.toReversed(), code: "order", weight: "must", path: "package.agent.json" },
  {
    name: "a time",
    entries: changed("aam.yaml", { alter: field(136, "00000000001\0") }),
    code: "time",
    weight: "must",
    path: "aam.yaml",
    got: /^1$/,
  },
  {
    name: "an owner",
    entries: changed("aam.yaml", { alter: field(108, "0001750\0") }),
    code: "owner",
    weight: "must",
    path: "aam.yaml",
    got: /^1000:0$/,
  },
  {
    name: "a group's name",
    entries: changed("aam.yaml", { alter: field(297, "staff\0") }),
    code: "owner",
    weight: "must",
    path: "aam.yaml",
    got: /^:staff$/,
  },
  {
    name: "a mode that the umask made",
    entries: changed("aam.yaml", { mode: 0o664 }),
    code: "mode",
    weight: "form",
    path: "aam.yaml",
    got: /^0664$/,
  },
  { name: "a setuid bit", entries: changed("aam.yaml", { mode: 0o4755 }), code: "mode", weight: "must", path: "aam.yaml", got: /^4755$/ },
  {
    name: "a time in a pax header",
    entries: changed("aam.yaml", { pax: { mtime: "1.5" } }),
    code: "extended-header",
    weight: "must",
    path: "aam.yaml",
    got: /mtime/,
  },
  {
    name: "a pax header that says nothing new",
    entries: changed("aam.yaml", { pax: { path: "aam.yaml" } }),
    code: "extended-header",
    weight: "form",
    path: "aam.yaml",
  },
  {
    name: "a path with a dot",
    entries: changed("aam.yaml", { path: "./aam.yaml" }),
    code: "header-form",
    weight: "form",
    path: "aam.yaml",
    got: /"\.\/aam\.yaml"/,
  },
  {
    name: "an entry for a folder",
    entries: inserted({ path: "skills/", type: "5", mode: 0o755 }),
    code: "folder",
    weight: "form",
    path: "skills/",
  },
  {
    name: "a hard link",
    entries: inserted({ path: "b.yaml", type: "1", linkpath: "aam.yaml" }),
    code: "hard-link",
    weight: "form",
    path: "b.yaml",
  },
  {
    name: "bytes behind a file's content",
    entries: changed("aam.yaml", {
      body: Buffer.concat([Buffer.from(String(CONTENT["aam.yaml"])), Buffer.from("hidden")]),
      size: String(CONTENT["aam.yaml"]).length,
    }),
    code: "padding",
    weight: "form",
    path: "aam.yaml",
  },
  {
    name: "an excluded file",
    entries: inserted({ path: "node_modules/x/index.js", body: "" }),
    code: "excluded",
    weight: "must",
    path: "node_modules/x/index.js",
  },
  {
    name: "a file that `files` do not select",
    entries: changed("package.agent.json", { body: manifestText({ files: ["skills/**"] }) }),
    code: "unselected",
    weight: "must",
    path: "aam.yaml",
  },
  {
    name: "no manifest",
    entries: ENTRIES.filter(({ path }) => path !== "package.agent.json"),
    code: "manifest",
    weight: "must",
    got: /found neither/,
  },
  {
    name: "manifests that disagree",
    entries: changed("aam.yaml", { body: "name: other\nversion: 1.2.3\n" }),
    code: "manifest",
    weight: "must",
    got: /"other"/,
  },
  { name: "a bundle", entries: inserted({ path: "bundle.json", body: "{}" }), code: "manifest", weight: "must", got: /bundle/ },
  {
    name: "a skill that is not there",
    entries: ENTRIES.filter(({ path }) => !path.startsWith("skills/")),
    code: "reference",
    weight: "must",
    got: /skills\/demo/,
  },
  {
    name: "a path that climbs out",
    entries: inserted({ path: "../evil", body: "" }),
    code: "unsound",
    weight: "must",
    got: /ARCHIVE_UNSAFE/,
  },
  {
    name: "a link that leads out",
    entries: inserted({ path: "x", type: "2", linkpath: "/etc/passwd" }),
    code: "unsound",
    weight: "must",
    got: /ARCHIVE_UNSAFE/,
  },
])("$name is named", async ({ entries, code, weight, path, got = /./ }) => {
  const { deviations } = await checkTar(entries);
  const expected = { code, weight, got: expect.stringMatching(got), ...(path === undefined ? {} : { path }) };
  expect(deviations).toContainEqual(expect.objectContaining(expected));
  // The rest of the archive is as it was: nothing else is said of it than of the archive without the change.
  const others = deviations.filter((deviation) => deviation.code !== code && !ALWAYS_OTHER.includes(deviation.code));
  expect(others.map((other) => other.code)).toEqual([]);
});

test("what nothing is wrong with differs in form only", async () => {
  const { deviations, name, version, entries } = await checkTar(ENTRIES);
  expect({ name, version, entries }).toEqual({ name: "@myorg/demo", version: "1.2.3", entries: 3 });
  expect(new Set(deviations.map(({ code }) => code))).toEqual(new Set(ALWAYS_OTHER));
  expect(new Set(deviations.map(({ weight }) => weight))).toEqual(new Set(["form"]));
});

test("zeros up to a record's end are named", async () => {
  const { deviations } = await checkTar(ENTRIES, { endBlocks: 20 });
  expect(deviations).toContainEqual({ weight: "form", code: "end", expected: "1024 bytes of zeros", got: "10240" });
});

test("what assay pack made has nothing to name, until a byte of its gzip header changes", async () => {
  const { bytes, digest, listingDigest } = await packFolder(folderOf({ ...CONTENT, link: { link: "aam.yaml" }, "\u00e9": "" }), {
    epochSeconds: 1_700_000_000,
  });
  expect(await check(bytes)).toEqual({ digest, listingDigest, name: "@myorg/demo", version: "1.2.3", entries: 5, deviations: [] });
  const unix = Buffer.from(bytes);
  unix[9] = 3;
  expect((await check(unix)).deviations).toEqual([
    { weight: "form", code: "gzip-header", expected: "flags 0, XFL 2, OS 255", got: "flags 0, XFL 2, OS 3" },
  ]);
  const later = Buffer.from(bytes);
  later.writeUInt32LE(1_700_000_001, 4);
  expect((await check(later)).deviations.map(({ code }) => code)).toEqual(["time", "time", "time", "time", "time"]);
});

test("a time that SOURCE_DATE_EPOCH does not say is named in every place", async () => {
  const { bytes } = await packFolder(folderOf(CONTENT), { epochSeconds: 1_700_000_000 });
  const { deviations } = await check(bytes, { epochSeconds: 0 });
  expect(deviations.map(({ code }) => code)).toEqual(["time", "time", "time", "gzip-time"]);
  expect(deviations.at(-1)).toMatchObject({ expected: "0", got: "1700000000" });
});

test("another compression of the same tar archive is named, and nothing else", async () => {
  const { bytes, listingDigest } = await packFolder(folderOf(CONTENT));
  const again = gzipSync(gunzipSync(bytes), { level: 1 });
  again.set(bytes.subarray(0, 10));
  const checked = await check(again);
  expect(checked.deviations.map(({ code }) => code)).toEqual(["compression"]);
  expect(checked.listingDigest).toBe(listingDigest);
});

test("an archive that is cut short or no archive at all is unsound, and has no listing", async () => {
  const { bytes } = await packFolder(folderOf(CONTENT));
  for (const broken of [bytes.subarray(0, -20), Buffer.alloc(0), Buffer.from("no archive")]) {
    const checked = await check(broken);
    expect(checked.deviations[0]).toMatchObject({ weight: "must", code: "unsound" });
    expect(checked.listingDigest).toBeUndefined();
  }
});

test("a file that is larger than any package is not read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-checked-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "a.aam");
  writeFileSync(path, "");
  truncateSync(path, 200 * 1024 * 1024 + 1);
  await expect(checkArchive(path)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(checkArchive(join(folder, "none"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
