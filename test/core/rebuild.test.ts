import { describe, expect, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import type { Claims, Evidence } from "../../src/core/evidence.ts";
import { KEPT_DIFFERENCES, type Rebuild, rebuildIn, rebuildOutcome } from "../../src/core/rebuild.ts";

const [PUBLISHED, OTHER, LISTING] = [parseDigest("a".repeat(64)), parseDigest("b".repeat(64)), parseDigest("c".repeat(64))];

const REBUILD: Rebuild = {
  source: { repository: "https://github.com/acme/tool", commit: "d".repeat(40), folder: "pkg" },
  builder: "assay pack (Node 26)",
  result: "identical",
  published: PUBLISHED,
  rebuilt: PUBLISHED,
  publishedListing: LISTING,
  rebuiltListing: LISTING,
  differences: [],
  differencesCount: 0,
  notes: ["a note"],
};

const kept = (rebuild: Rebuild, claims: Claims = {}, subject = PUBLISHED): Evidence => {
  const outcome = rebuildOutcome(rebuild);
  if (outcome.kind !== "pass") throw new Error("a rebuild passes");
  return { verifier: "rebuild", subject, checkedAt: 0, outcome: { ...outcome, claims: { ...outcome.claims, ...claims } } };
};

describe("a rebuild as it is kept", () => {
  test.each<[string, Rebuild]>([
    ["the same bytes", REBUILD],
    ["other files", { ...REBUILD, result: "differs", rebuilt: OTHER, differences: ["changed x"], differencesCount: 1 }],
    ["nothing built", { ...REBUILD, result: "differs", rebuilt: undefined, rebuiltListing: undefined }],
  ])("is read as it was written: %s", (_name, rebuild) => {
    expect(rebuildIn(JSON.parse(JSON.stringify(kept(rebuild))))).toEqual(rebuild);
  });

  test.each<[string, Evidence]>([
    ["claims the same bytes with two digests", kept({ ...REBUILD, rebuilt: OTHER })],
    ["claims the same bytes where nothing was built", kept({ ...REBUILD, rebuilt: undefined })],
    ["claims a difference with one digest", kept({ ...REBUILD, result: "differs" })],
    ["is about other bytes than it compared", kept(REBUILD, {}, OTHER)],
    ["has a result that there is not", kept(REBUILD, { result: "same" })],
    ["has a digest that is none", kept(REBUILD, { rebuilt_sha256: "x" })],
    ["names no repository", kept(REBUILD, { repository: 1 })],
    ["names no commit", kept(REBUILD, { commit: ["x"] })],
    ["is of another verifier", { ...kept(REBUILD), verifier: "archive" }],
    ["did not pass", { ...kept(REBUILD), outcome: { kind: "absent" } }],
  ])("counts for nothing where it %s", (_name, evidence) => {
    expect(rebuildIn(evidence)).toBeUndefined();
  });

  test("keeps so many differences and no more, and says how many there were", () => {
    const differences = Array.from({ length: KEPT_DIFFERENCES + 1 }, (_, position) => `changed ${position}`);
    const read = rebuildIn(kept({ ...REBUILD, result: "differs", rebuilt: OTHER, differences, differencesCount: differences.length }));
    expect(read?.differences).toEqual(differences.slice(0, KEPT_DIFFERENCES));
    expect(read?.differencesCount).toBe(KEPT_DIFFERENCES + 1);
  });
});
