import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { compareArchives } from "../../../src/app/rebuild/compare-archives.ts";
import { type Difference, differenceText } from "../../../src/app/rebuild/difference.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { AAM_FORMAT } from "../../../src/ecosystems/aam/identify.ts";
import { PACKAGE_LIMITS } from "../../../src/ecosystems/aam/pack/package-limits.ts";
import { type PackEntry, writeArchive } from "../../../src/ecosystems/aam/pack/write-archive.ts";

const scratch = mkdtempSync(join(tmpdir(), "assay-compare-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const file = (path: string, text: string, executable = false): PackEntry => ({
  kind: "file",
  path,
  executable,
  read: async () => Buffer.from(text),
});
const pack = async (entries: readonly PackEntry[], epochSeconds = 0): Promise<Buffer> =>
  (await writeArchive(entries, epochSeconds, PACKAGE_LIMITS)).bytes;
const BASE = [file("a.md", "a"), file("b/run.sh", "x", true), { kind: "link", path: "c", target: "a.md" } as const];

function compare(published: Buffer, rebuilt: Buffer, limits = DEFAULT_LIMITS) {
  const [left, right] = [join(scratch, "published"), join(scratch, "rebuilt")];
  writeFileSync(left, published);
  writeFileSync(right, rebuilt);
  return compareArchives({ path: left, format: AAM_FORMAT, limits }, { path: right, format: AAM_FORMAT, limits });
}

describe("what two archives hold", () => {
  const entry = (bytes: number, mode: string) => expect.stringMatching(new RegExp(`^sha256:[0-9a-f]{64} ${bytes} bytes mode ${mode}$`));
  test.each<{ name: string; published: readonly PackEntry[]; differences: readonly unknown[] }>([
    {
      name: "one byte",
      published: [file("a.md", "b"), ...BASE.slice(1)],
      differences: [{ kind: "changed", path: "a.md", published: entry(1, "0644"), rebuilt: entry(1, "0644") }],
    },
    {
      name: "the right to be run",
      published: [file("a.md", "a", true), ...BASE.slice(1)],
      differences: [{ kind: "changed", path: "a.md", published: entry(1, "0755"), rebuilt: entry(1, "0644") }],
    },
    {
      name: "where a link leads",
      published: [...BASE.slice(0, 2), { kind: "link", path: "c", target: "b/run.sh" }],
      differences: [{ kind: "changed", path: "c", published: 'link to "b/run.sh"', rebuilt: 'link to "a.md"' }],
    },
    {
      name: "a link in the place of a file",
      published: [{ kind: "link", path: "a.md", target: "c" }, ...BASE.slice(1, 2)],
      differences: [
        { kind: "changed", path: "a.md" },
        { kind: "only-rebuilt", path: "c" },
      ],
    },
    {
      name: "a file more",
      published: [...BASE, file("d", "d")],
      differences: [{ kind: "only-published", path: "d", published: entry(1, "0644"), rebuilt: null }],
    },
    {
      name: "a file less",
      published: BASE.slice(1),
      differences: [{ kind: "only-rebuilt", path: "a.md", published: null, rebuilt: entry(1, "0644") }],
    },
  ])("$name", async ({ published, differences }) => {
    const compared = await compare(await pack(published), await pack(BASE));
    expect(compared.differences).toMatchObject(differences);
    expect(compared.differences).toHaveLength(differences.length);
    expect(compared.publishedListing).not.toBe(compared.rebuiltListing);
  });
});

describe("how two archives of the same files are written", () => {
  const recompressed = (bytes: Buffer): Buffer => gzipSync(gunzipSync(bytes), { level: 1 });
  test.each<{ name: string; make: () => Promise<Buffer>; says: readonly RegExp[] }>([
    { name: "the time of the entries", make: () => pack(BASE, 1_700_000_000), says: [/mtime "1700000000" of "a\.md" and 2 more/] },
    { name: "the compression", make: async () => recompressed(await pack(BASE)), says: [/gzip header or compression/] },
    {
      name: "zeros at the end",
      make: async () => gzipSync(Buffer.concat([gunzipSync(await pack(BASE)), Buffer.alloc(1024)])),
      says: [/padding/],
    },
  ])("$name is named, and nothing else", async ({ make, says }) => {
    const compared = await compare(await make(), await pack(BASE));
    expect(compared.publishedListing).toBe(compared.rebuiltListing);
    expect(compared.differences.map(({ kind, path }) => [kind, path])).toEqual(says.map(() => ["form", null]));
    for (const [position, pattern] of says.entries()) expect(compared.differences[position]?.published).toMatch(pattern);
  });

  test("another order", async () => {
    // Two archives with other entries at the front, of one tar each: entries are 512 bytes of header and 512 of content.
    const tar = gunzipSync(await pack([file("a", "a"), file("b", "b")]));
    const turned = Buffer.concat([tar.subarray(1024, 2048), tar.subarray(0, 1024), tar.subarray(2048)]);
    const [difference] = (await compare(gzipSync(turned), gzipSync(tar))).differences;
    expect(difference).toMatchObject({ kind: "form", published: '2 entries, number 1 is "b"', rebuilt: '2 entries, number 1 is "a"' });
  });
});

test("an archive past the limits is not compared", async () => {
  const limits = { ...DEFAULT_LIMITS, archiveEntries: 3 };
  await expect(compare(await pack(BASE), await pack(BASE.slice(1)), limits)).rejects.toMatchObject({ code: "UNPROCESSABLE" });
  // Three entries, and the folder of one.
  await compare(await pack(BASE), await pack(BASE.slice(1)), { ...limits, archiveEntries: 4 });
});

test("a difference is one line of printable ASCII, whatever a path holds", () => {
  const difference: Difference = {
    kind: "only-published",
    path: "a\n\u202eb\u001b[2J",
    published: `sha256:${"a".repeat(64)} 1 bytes mode 0644`,
    rebuilt: null,
  };
  expect(differenceText(difference)).toBe(`only published "a\\n\\u202eb\\u001b[2J": sha256:${"a".repeat(16)} 1 bytes mode 0644`);
});
