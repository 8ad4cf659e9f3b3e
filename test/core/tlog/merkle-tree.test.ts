import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { leafHash, nodeHash } from "../../../src/core/tlog/hashes.ts";
import { type FindNode, inclusionPath, nodesOfLeaf, rootFromPath, rootOf } from "../../../src/core/tlog/merkle-tree.ts";

/** RFC 6962's own words, with nothing remembered: what the stored hashes are compared with. */
function definedRoot(entries: readonly string[]): Buffer {
  if (entries.length === 0) return createHash("sha256").digest();
  const [only = ""] = entries;
  if (entries.length === 1) return leafHash(only);
  let power = 1;
  while (power * 2 < entries.length) power *= 2;
  return nodeHash(definedRoot(entries.slice(0, power)), definedRoot(entries.slice(power)));
}

function grown(entries: readonly string[]): FindNode {
  const kept = new Map<string, Buffer>();
  const find: FindNode = (level, number) => {
    const hash = kept.get(`${level}/${number}`);
    if (!hash) throw new Error(`there is no hash ${number} at level ${level}`);
    return hash;
  };
  for (const [position, entry] of entries.entries()) {
    for (const { level, number, hash } of nodesOfLeaf(position, leafHash(entry), find)) kept.set(`${level}/${number}`, hash);
  }
  return find;
}

const ENTRIES = Array.from({ length: 70 }, (_, position) => `entry ${position}`);
const SIZES = Array.from({ length: 71 }, (_, size) => size);
const tree = grown(ENTRIES);

describe("the hash tree", () => {
  test("has the roots that RFC 6962 defines, at every size, from hashes that were kept once", () => {
    expect(SIZES.map((size) => rootOf(size, tree).toString("hex"))).toEqual(
      SIZES.map((size) => definedRoot(ENTRIES.slice(0, size)).toString("hex")),
    );
  });

  // The roots of RFC 6962's reference implementation for its eight sample leaves, at 0, 1 and 8 of them.
  test("has the published roots of the sample leaves", () => {
    const samples = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const leaves = samples.map((hex) => Buffer.from(hex, "hex").toString("latin1"));
    const find = grown(leaves);
    expect([0, 1, 8].map((size) => rootOf(size, find).toString("hex"))).toEqual([
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]);
  });

  test("proves every leaf of every size, and no other leaf, place, size or path", () => {
    for (const size of SIZES.slice(1)) {
      const root = rootOf(size, tree);
      for (const position of SIZES.slice(0, size)) {
        const leaf = leafHash(`entry ${position}`);
        const path = inclusionPath(position, size, tree);
        const leadsThere = (...[at, of, from, by]: Parameters<typeof rootFromPath>): boolean =>
          rootFromPath(at, of, from, by)?.equals(root) ?? false;
        expect(leadsThere(position, size, leaf, path)).toBe(true);
        expect(leadsThere(position, size, leafHash("another"), path)).toBe(false);
        expect(rootFromPath(position, size, leaf, [...path, leaf])).toBeUndefined();
        expect(leadsThere(position + size, size, leaf, path)).toBe(false);
        if (size === 1) continue;
        expect(leadsThere((position + 1) % size, size, leaf, path)).toBe(false);
        expect(rootFromPath(position, size, leaf, path.slice(1))).toBeUndefined();
        expect(leadsThere(position, size, leaf, [leaf, ...path.slice(1)])).toBe(false);
      }
    }
  });
});
