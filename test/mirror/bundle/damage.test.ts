import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BundleReader } from "../../../src/mirror/bundle/bundle-reader.ts";
import type { PlacedFile } from "../../../src/mirror/bundle/tar-layout.ts";
import { codeOf } from "../../contract/code-of.ts";
import { AirGap, ARCHIVES } from "../../support/air-gap.ts";
import { ENVELOPE, laidOut } from "../../support/laid-out-bundle.ts";
import { Random } from "../../support/random.ts";

let gap: AirGap;
let bytes: Buffer;
let places: readonly PlacedFile[];
let end: number;
/** Digest of each artifact's blob by its file name. */
let blobs: ReadonlyMap<string, string>;
let scratch: string;

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
  // So that there is one of every kind of entry.
  await gap.lose();
  const bundle = join(gap.folder, "all.tar");
  await gap.export(bundle);
  scratch = join(gap.folder, "changed.tar");
  const laid = await laidOut(bundle);
  ({ bytes, places, end } = laid);
  blobs = new Map(laid.artifacts.map(({ file, sha256 }) => [file, sha256]));
});
afterAll(() => gap.close());

/** What a whole reading of a changed bundle finds: the entries that are damaged, or that it is no bundle. */
async function damageOf(changed: Buffer): Promise<readonly string[] | "no bundle"> {
  writeFileSync(scratch, changed);
  let reader: BundleReader;
  try {
    reader = await BundleReader.open([scratch]);
  } catch (error) {
    expect((error as { code?: string }).code).toBe("BAD_REQUEST");
    return "no bundle";
  }
  try {
    await reader.checkRest();
    return reader.damage.map(({ entry }) => entry);
  } finally {
    await reader.close();
  }
}

/** Which entry a byte belongs to: its header, its content or the zeros after it. */
function entryAt(position: number): string {
  if (position >= end) return "the end of the archive";
  return places.findLast(({ headerAt }) => headerAt <= position)?.path ?? "";
}

function flipped(position: number, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(position) ^ (1 << bit), position);
  return changed;
}

test("any one bit that is flipped damages the entry that it belongs to, and no other: 640 positions over all sections", async () => {
  const chance = new Random(20261123);
  const pick = (from: number, to: number): number => from + chance.below(to - from);
  const sections = places.flatMap(({ headerAt, contentAt, sizeBytes, paddingBytes }) => [
    [headerAt, contentAt],
    [contentAt, contentAt + sizeBytes],
    [contentAt + sizeBytes, contentAt + sizeBytes + paddingBytes],
  ]);
  const filled = [...sections, [end, bytes.length]].filter(([from = 0, to = 0]) => to > from);
  const flips = Array.from({ length: 640 }, (_, index) => {
    const [from = 0, to = 0] = filled[index % filled.length] ?? [];
    return { position: pick(from, to), bit: pick(0, 8) };
  });
  for (const { position, bit } of flips) {
    const touched = entryAt(position);
    const expected = touched === ENVELOPE ? "no bundle" : [touched];
    expect(await damageOf(flipped(position, bit)), `bit ${bit} of byte ${position}, in ${touched}`).toEqual(expected);
  }
}, 300_000);

test("no byte of the envelope around the manifest can be changed, whether its signature covers it or not", async () => {
  const [envelope] = places;
  if (!envelope) throw new Error("the bundle is empty");
  const { contentAt, sizeBytes } = envelope;
  const positions = [...Array(100).keys(), ...Array.from({ length: 500 }, (_, index) => sizeBytes - 1 - index)];
  for (const position of positions) {
    expect(await damageOf(flipped(contentAt + position, position % 7)), `byte ${position} of the envelope`).toBe("no bundle");
  }
}, 300_000);

describe("an import of a damaged bundle", () => {
  test.each(["tool-1.0-py3-none-any.whl", "left-1.1.0.tgz", "skill-1.0.0.aam"])(
    "leaves out %s where its bytes are damaged, and nothing else",
    async (file) => {
      const place = places.find(({ path }) => path === `blobs/${blobs.get(file)}`);
      if (!place) throw new Error(`${file} is not in the bundle: ${[...blobs.keys()]}`);
      writeFileSync(scratch, flipped(place.contentAt + 20, 3));
      const { code, said } = await gap.import(gap.folderFor("damaged"), scratch);
      const failed = said.artifacts.filter(({ kind }: { kind: string }) => kind !== "admitted");
      expect(code).toBe(65);
      expect(failed).toEqual([
        { purl: expect.stringContaining(file.split("-")[0] ?? ""), kind: "failed", reason: expect.stringContaining(place.path) },
      ]);
      expect(said.damage).toEqual([{ entry: place.path, detail: expect.stringContaining("sha256") }]);
      expect(said.summary.admitted).toBe(ARCHIVES.length - 1);
    },
  );

  test("leaves out what needs a document that is damaged, and takes it from a good copy the next time", async () => {
    const reader = await BundleReader.open([join(gap.folder, "all.tar")]);
    const page = reader.manifest.documents.find(({ url }) => url.endsWith("/simple/plain/"))?.answer;
    await reader.close();
    const place = places.find(({ path }) => path === `documents/${page?.sha256}`);
    if (!place) throw new Error("the page is not in the bundle");
    writeFileSync(scratch, flipped(place.contentAt, 0));
    const data = gap.folderFor("document");
    const first = await gap.import(data, scratch);
    const failed = first.said.artifacts.filter(({ kind }: { kind: string }) => kind !== "admitted");
    expect(first.code).toBe(65);
    expect(failed).toEqual([
      { purl: expect.stringContaining("pkg:pypi/plain"), kind: "failed", reason: expect.stringContaining(place.path) },
    ]);
    const second = await gap.import(data, join(gap.folder, "all.tar"));
    expect(second).toMatchObject({ code: 0, said: { damage: [], summary: { admitted: 1, "already-here": ARCHIVES.length - 1 } } });
  });

  test("that is cut short takes what is whole", async () => {
    const last = places.at(-1);
    if (!last) throw new Error("the bundle is empty");
    writeFileSync(scratch, bytes);
    truncateSync(scratch, last.contentAt + 1);
    const { code, said } = await gap.import(gap.folderFor("short"), scratch);
    expect({ code, summary: said.summary }).toMatchObject({ code: 65, summary: { admitted: ARCHIVES.length - 1, failed: 1 } });
    expect(said.damage.map(({ entry }: { entry: string }) => entry)).toEqual([last.path, "the end of the archive"]);
  });
});

describe("an archive that is not laid out as its manifest says", () => {
  const swap = (one: PlacedFile, other: PlacedFile): Buffer => {
    const changed = Buffer.from(bytes);
    const length = 512;
    bytes.copy(changed, one.headerAt, other.headerAt, other.headerAt + length);
    bytes.copy(changed, other.headerAt, one.headerAt, one.headerAt + length);
    return changed;
  };

  test("with two headers that changed places: both are damaged", async () => {
    const [, one, other] = places;
    if (!one || !other) throw new Error("too few entries");
    expect(await damageOf(swap(one, other))).toEqual([one.path, other.path]);
  });

  test("with a header that names a path outside: the entry is damaged, and nobody reads the path", async () => {
    const place = places.at(-1);
    const changed = Buffer.from(bytes);
    changed.write("../../../../etc/passwd\0", place?.headerAt ?? 0, "latin1");
    expect(await damageOf(changed)).toEqual([place?.path]);
  });

  test("with an entry twice: what follows the last is no part of it", async () => {
    const place = places.at(-1);
    if (!place) throw new Error("the bundle is empty");
    const twice = Buffer.concat([bytes.subarray(0, end), bytes.subarray(place.headerAt, end), bytes.subarray(end)]);
    expect(await damageOf(twice)).toEqual(["the end of the archive"]);
  });

  test("with bytes after its end", async () => {
    expect(await damageOf(Buffer.concat([bytes, Buffer.from("x")]))).toEqual(["the end of the archive"]);
  });

  test.each([
    ["nothing at all", Buffer.alloc(0)],
    ["zeros", Buffer.alloc(10_240)],
    ["text", Buffer.from("PK this is no bundle\n".repeat(100))],
  ])("%s is no bundle", async (_, content) => {
    writeFileSync(scratch, content);
    expect(await codeOf(BundleReader.open([scratch]))).toBe("BAD_REQUEST");
  });
});
