import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { type Digest, parseDigest } from "../../src/core/digest.ts";
import type { CacheRecords } from "../../src/core/ports/cache-records.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { record } from "../support/record.ts";

/** One set of stored data. */
export interface CacheRecordsBench {
  /** Opens the records, with the index that they are about. A second pair is what another process sees of the same data. The bench closes all. */
  open(): Promise<{ readonly records: CacheRecords; readonly index: Index }>;
  /** What the clock of every open one says, milliseconds since the epoch. */
  setTime(now: number): void;
}

const TTL_MS = 1_000;
const REMOVAL = { at: 5_000, why: "age", unusedSince: 10_000 } as const;

/** What every CacheRecords must do. `makeBench` is called within a test, and cleans up when it is over. */
export function cacheRecordsContract(makeBench: () => CacheRecordsBench): void {
  describe("room", () => {
    test("what several reserve at once counts for all of them, in every process, until it is given back or runs out", async () => {
      const bench = makeBench();
      const [{ records }, { records: other }] = [await bench.open(), await bench.open()];
      const wish = { sizeBytes: 40, maxBytes: 100, ttlMs: TTL_MS };
      expect(await records.reserve(digestOf("a"), "one", wish)).toEqual({ kind: "reserved" });
      expect(await other.reserve(digestOf("b"), "two", wish)).toEqual({ kind: "reserved" });
      expect(await records.reserve(digestOf("c"), "three", wish)).toEqual({ kind: "full", excessBytes: 20 });
      expect(await records.reserve(digestOf("c"), "three", { ...wish, sizeBytes: 20 })).toEqual({ kind: "reserved" });
      await other.unreserve(digestOf("b"), "two");
      expect(await records.reserve(digestOf("d"), "four", wish)).toEqual({ kind: "reserved" });
      bench.setTime(TTL_MS + 1);
      expect(await records.reserve(digestOf("e"), "five", { ...wish, sizeBytes: 100 })).toEqual({ kind: "reserved" });
    });

    test("the same bytes are in one hand at a time, and only that hand gives them back", async () => {
      const bench = makeBench();
      const [{ records }, { records: other }] = [await bench.open(), await bench.open()];
      const wish = { sizeBytes: 1, maxBytes: undefined, ttlMs: TTL_MS };
      expect(await records.reserve(digestOf("a"), "one", wish)).toEqual({ kind: "reserved" });
      expect(await other.reserve(digestOf("a"), "two", wish)).toEqual({ kind: "busy" });
      expect(await records.reserve(digestOf("a"), "two", wish)).toEqual({ kind: "busy" });
      await other.unreserve(digestOf("a"), "two");
      expect(await other.reserve(digestOf("a"), "two", wish)).toEqual({ kind: "busy" });
      await records.unreserve(digestOf("a"), "one");
      expect(await other.reserve(digestOf("a"), "two", wish)).toEqual({ kind: "reserved" });
    });

    test("one byte too many is too many; what is kept already takes no more room", async () => {
      const { records, index } = await makeBench().open();
      await admit(index, "kept", 1, { sizeBytes: 60 });
      const wish = { maxBytes: 100, ttlMs: TTL_MS };
      expect(await records.reserve(digestOf("new"), "one", { ...wish, sizeBytes: 41 })).toEqual({ kind: "full", excessBytes: 1 });
      expect(await records.reserve(digestOf("kept"), "one", { ...wish, maxBytes: 10, sizeBytes: 60 })).toEqual({ kind: "reserved" });
      expect(await records.reserve(digestOf("new"), "one", { ...wish, sizeBytes: 40 })).toEqual({ kind: "reserved" });
    });
  });

  describe("use", () => {
    test("the least recently used come first, by the newest time that was noted, and none that was used since", async () => {
      const { records, index } = await makeBench().open();
      for (const [at, name] of ["a", "b", "c", "d"].entries()) await admit(index, name, 100 + at);
      await records.noteUses({ blobs: new Map([[digestOf("a"), 500]]), documents: [] });
      await records.noteUses({ blobs: new Map([[digestOf("a"), 200]]), documents: [] });
      await records.noteUses({ blobs: new Map([[digestOf("never admitted"), 900]]), documents: [] });
      const all = await records.leastUsed(10, { unusedSince: 1_000 });
      expect(all.map(({ digest, lastUsedAt }) => [digest, lastUsedAt])).toEqual(
        (
          [
            ["b", 101],
            ["c", 102],
            ["d", 103],
            ["a", 500],
          ] as const
        ).map(([name, usedAt]) => [digestOf(name), usedAt]),
      );
      const [first] = await records.leastUsed(1, { unusedSince: 1_000 });
      if (!first) throw new Error("nothing is kept");
      expect((await records.leastUsed(10, { after: first, unusedSince: 102 })).map(({ digest }) => digest)).toEqual([digestOf("c")]);
    });

    test("to be admitted once more is a use", async () => {
      const { records, index } = await makeBench().open();
      await admit(index, "a", 100);
      await admit(index, "a", 300);
      expect(await records.kept(digestOf("a"))).toMatchObject({ lastUsedAt: 300 });
    });
  });

  describe("removal", () => {
    test("what was used after the look stays", async () => {
      const { records, index } = await makeBench().open();
      await admit(index, "a", 100);
      const [blob] = await records.leastUsed(1, { unusedSince: 1_000 });
      if (!blob) throw new Error("nothing is kept");
      await records.noteUses({ blobs: new Map([[blob.digest, 400]]), documents: [] });
      expect(await records.remove(blob, { ...REMOVAL, unusedSince: blob.lastUsedAt })).toBe(false);
      expect(await records.isWanted(blob.digest)).toBe(true);
    });

    test("is told to every process in order, with its cause, until the bytes are back; what was admitted stays known", async () => {
      const bench = makeBench();
      const [{ records, index }, { records: other }] = [await bench.open(), await bench.open()];
      for (const name of ["a", "b"]) await admit(index, name, 100);
      const seen = await other.newestRemoval();
      for (const name of ["b", "a"]) expect(await records.remove({ digest: digestOf(name), sizeBytes: 10 }, REMOVAL)).toBe(true);
      expect((await other.removalsAfter(seen, 10)).map(({ digest, why }) => [digest, why])).toEqual([
        [digestOf("b"), "age"],
        [digestOf("a"), "age"],
      ]);
      expect(await other.removal(digestOf("a"))).toMatchObject({ removedAt: 5_000, why: "age" });
      expect(await other.isWanted(digestOf("a"))).toBe(false);
      expect((await index.usage()).blobs).toBe(0);
      expect(await index.admission(refOf("a"), { admittedOnly: true })).toMatchObject({ digest: digestOf("a") });
      expect(await records.holders(digestOf("a"))).toEqual([{ ref: refOf("a"), listed: false }]);
      await admit(index, "a", 6_000);
      expect(await other.removal(digestOf("a"))).toBeUndefined();
      expect(await records.remove({ digest: digestOf("a"), sizeBytes: 10 }, { ...REMOVAL, why: "damaged" })).toBe(true);
      const newest = (await other.removalsAfter(seen, 10)).at(-1);
      expect(newest).toMatchObject({ digest: digestOf("a"), why: "damaged" });
      expect(newest?.id).toBeGreaterThan(seen + 2);
    });

    test("every archive that the bytes were admitted as is told", async () => {
      const { records, index } = await makeBench().open();
      await admit(index, "same", 100);
      await record(index, admissionOf("same", 100, { ref: { ...refOf("same"), name: "alias" } }));
      expect((await records.holders(digestOf("same"))).map(({ ref }) => ref.name).sort()).toEqual(["alias", "same"]);
      expect(await records.holders(digestOf("nothing"))).toEqual([]);
    });
  });

  test("pins are kept once, and taken out by their text", async () => {
    const bench = makeBench();
    const [{ records }, { records: other }] = [await bench.open(), await bench.open()];
    const pins = [
      { pattern: "pkg:npm/a", pinnedAt: 1 },
      { pattern: "pkg:npm/b@1.0.0", source: "package-lock.json", pinnedAt: 1 },
    ];
    expect(await records.addPins(pins)).toBe(2);
    expect(await records.addPins(pins)).toBe(0);
    expect(await other.pins()).toEqual(pins);
    expect([await other.removePin("pkg:npm/a"), await other.removePin("pkg:npm/a")]).toEqual([true, false]);
    expect(await records.pins()).toEqual(pins.slice(1));
  });

  describe("documents", () => {
    test.each([
      { name: "used since", uses: [{ package: "tool", usedAt: 2_000 }], admitted: [], idle: 0 },
      { name: "about no package", uses: [{ usedAt: 100 }], admitted: [], idle: 0 },
      { name: "never noted", uses: [], admitted: [], idle: 0 },
      { name: "about a package of which something was admitted", uses: [{ package: "tool", usedAt: 100 }], admitted: ["tool"], idle: 0 },
      { name: "about a package of which nothing was admitted", uses: [{ package: "tool", usedAt: 100 }], admitted: ["other"], idle: 1 },
    ])("one that is $name", async ({ uses, admitted, idle }) => {
      const { records, index } = await makeBench().open();
      const key = { repository: "npm", key: "packument/tool" };
      await index.putDocument(key, DOCUMENT, { name: "tool", files: [FILE] });
      for (const name of admitted) await admit(index, name, 1);
      await records.noteUses({ blobs: new Map(), documents: uses.map((use) => ({ ...key, ...use })) });
      const found = await records.idleDocuments(10, { unusedSince: 1_000, alsoRefused: false });
      expect(found).toHaveLength(idle);
      for (const document of found) {
        expect(await records.letGo(document)).toBe(true);
        expect(await records.letGo(document)).toBe(false);
        expect(await index.document(key)).toBeUndefined();
        expect(await index.documentOwner(key)).toEqual({ upstream: DOCUMENT.upstream, isLetGo: true });
        expect(await index.files("npm", "tool")).toEqual([]);
        expect(await index.firstSeenAt("npm", "tool")).toBe(DOCUMENT.fetchedAt);
        await index.putDocument(key, { ...DOCUMENT, fetchedAt: 9_000 }, { name: "tool", files: [FILE] });
        expect(await index.documentOwner(key)).toMatchObject({ isLetGo: false });
        expect(await index.files("npm", "tool")).toMatchObject([{ firstSeenAt: DOCUMENT.fetchedAt, listed: true }]);
      }
    });
  });
}

const FILE = { version: "1.0.0", file: "tool-1.0.0.tgz", url: "https://registry.example/tool-1.0.0.tgz", claims: [] };
const DOCUMENT = {
  body: Buffer.from("{}"),
  contentType: "application/json",
  url: "https://registry.example/tool",
  upstream: "https://registry.example/",
  fetchedAt: 100,
  validatedAt: 100,
  revision: "cd".repeat(32),
};

function digestOf(text: string): Digest {
  return parseDigest(createHash("sha256").update(text).digest("hex"));
}

function refOf(name: string): ArtifactRef {
  return { repository: "npm", ecosystem: "npm", name, version: "1.0.0", file: `${name}-1.0.0.tgz` };
}

function admissionOf(name: string, decidedAt: number, more: Partial<Admission> = {}): Admission {
  const url = `https://registry.example/${name}-1.0.0.tgz`;
  const facts = { digest: digestOf(name), sizeBytes: 10, url, upstream: "npm#0", claims: [], evidence: [] };
  return { ref: refOf(name), decidedAt, ...facts, verdict: { kind: "admit", warnings: [] }, ...more };
}

async function admit(index: Index, name: string, decidedAt: number, more: Partial<Admission> = {}): Promise<void> {
  await record(index, admissionOf(name, decidedAt, more));
}
