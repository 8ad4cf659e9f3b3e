import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EcosystemId } from "../../src/core/artifact.ts";
import { type OsvFeed, type OsvLimits, openOsvFeed } from "../../src/policy/osv-feed.ts";
import { buildZip } from "../support/zip.ts";
import { NOW } from "./policy-text.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-osv-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Json = Readonly<Record<string, unknown>>;

function malicious(id: string, name: string, affected: Json = {}, more: Json = {}): Json {
  const ranges = [{ type: "SEMVER", events: [{ introduced: "0" }] }];
  return {
    id,
    modified: "2026-11-20T00:00:00Z",
    summary: `Malicious code in ${name}`,
    affected: [{ package: { ecosystem: "npm", name }, ranges, ...affected }],
    ...more,
  };
}

function put(path: string, entry: unknown): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), typeof entry === "string" ? entry : JSON.stringify(entry));
}

function openFolder(more: { entries?: "malicious" | "all"; limits?: OsvLimits; now?: number } = {}): Promise<OsvFeed> {
  return openOsvFeed(folder, { entries: "malicious", now: NOW, ...more });
}

function ids(feed: OsvFeed, name: string, version: string, ecosystem: EcosystemId = "npm"): string[] {
  return feed.lookup({ ecosystem, name, version }).map(({ id }) => id);
}

describe("which versions an entry means", () => {
  const range = (...events: Json[]) => ({ ranges: [{ type: "SEMVER", events }] });
  test.each([
    { of: "every version", affected: {}, inside: ["0.0.1", "99.0.0", "nonsense"], outside: [] },
    { of: "neither versions nor ranges, so every version", affected: { ranges: [] }, inside: ["1.0.0"], outside: [] },
    {
      of: "versions by name",
      affected: { ranges: [], versions: ["1.0.1", "1.0.2"] },
      inside: ["1.0.1", "1.0.2"],
      outside: ["1.0.0", "1.0.3"],
    },
    {
      of: "until it was fixed",
      affected: range({ introduced: "1.0.0" }, { fixed: "1.2.0" }),
      inside: ["1.0.0", "1.1.9"],
      outside: ["0.9.0", "1.2.0", "2.0.0"],
    },
    { of: "to the last one", affected: range({ introduced: "1.0.0" }, { last_affected: "1.2.0" }), inside: ["1.2.0"], outside: ["1.2.1"] },
    {
      of: "two lines, written in any order",
      affected: range({ fixed: "2.1.0" }, { introduced: "2.0.0" }, { fixed: "1.5.0" }, { introduced: "0" }),
      inside: ["1.4.0", "2.0.0"],
      outside: ["1.5.0", "1.9.0", "2.1.0"],
    },
    {
      of: "a fix that was taken back at once",
      affected: range({ introduced: "0" }, { fixed: "1.0.0" }, { introduced: "1.0.0" }),
      inside: ["1.0.0"],
      outside: [],
    },
    { of: "a limit", affected: range({ introduced: "0" }, { limit: "2.0.0" }), inside: ["1.9.9"], outside: ["2.0.0"] },
    {
      of: "commits, beside versions",
      affected: { versions: ["1.0.0"], ranges: [{ type: "GIT", repo: "https://x", events: [{ introduced: "0" }] }] },
      inside: ["1.0.0"],
      outside: ["1.0.1"],
    },
    { of: "a version that no order can hold", affected: range({ introduced: "1.0.0" }, { fixed: "1.2.0" }), inside: ["1.x"], outside: [] },
  ])("$of", async ({ affected, inside, outside }) => {
    put("a.json", malicious("MAL-1", "evil", affected));
    const feed = await openFolder();
    for (const version of inside) expect(ids(feed, "evil", version), version).toEqual(["MAL-1"]);
    for (const version of outside) expect(ids(feed, "evil", version), version).toEqual([]);
  });

  test("PyPI names and versions are compared as PyPI compares them", async () => {
    put("a.json", { id: "MAL-2", affected: [{ package: { ecosystem: "PyPI", name: "Evil_Tool" }, versions: ["1.0"] }] });
    const feed = await openFolder();
    expect(ids(feed, "evil-tool", "1.0.0", "pypi")).toEqual(["MAL-2"]);
    expect(ids(feed, "evil-tool", "1.0.1", "pypi")).toEqual([]);
    expect(ids(feed, "evil-tool", "1.0.0", "npm")).toEqual([]);
  });
});

test("what is withdrawn, about other ecosystems or not malicious denies nothing, and is counted", async () => {
  put("a.json", malicious("MAL-1", "withdrawn", {}, { withdrawn: "2026-01-01T00:00:00Z" }));
  put("b.json", malicious("MAL-2", "crate", { package: { ecosystem: "crates.io", name: "crate" } }));
  put("c.json", malicious("GHSA-1", "vulnerable"));
  put("d.json", malicious("GHSA-2", "alias", {}, { aliases: ["MAL-9"] }));
  put("sub/sub/e.json", malicious("ACME-1", "origin", {}, { database_specific: { "malicious-packages-origins": [] } }));
  put("README.md", "no entry");
  const feed = await openFolder();
  expect(feed.summary).toMatchObject({ entries: 2, skipped: 3, malformed: 0, packages: 2 });
  expect(["withdrawn", "crate", "vulnerable"].flatMap((name) => ids(feed, name, "1.0.0"))).toEqual([]);
  expect([...ids(feed, "alias", "1.0.0"), ...ids(feed, "origin", "1.0.0")]).toEqual(["GHSA-2", "ACME-1"]);
  const everything = await openFolder({ entries: "all" });
  expect(ids(everything, "vulnerable", "1.0.0")).toEqual(["GHSA-1"]);
});

test.each([
  { what: "broken JSON", entry: "{" },
  { what: "a list", entry: "[]" },
  { what: "no id", entry: { affected: [] } },
  { what: "an id with a line break", entry: malicious("MAL-1\nX", "evil") },
  { what: "an affected that is no list", entry: { id: "MAL-1", affected: {} } },
  { what: "a package without a name", entry: malicious("MAL-1", "evil", { package: { ecosystem: "npm" } }) },
  { what: "versions that are numbers", entry: malicious("MAL-1", "evil", { versions: [1] }) },
  { what: "a range of a kind nobody knows", entry: malicious("MAL-1", "evil", { ranges: [{ type: "X", events: [{ introduced: "0" }] }] }) },
  { what: "a range without events", entry: malicious("MAL-1", "evil", { ranges: [{ type: "SEMVER", events: [] }] }) },
  { what: "nesting without end", entry: `{"id":"MAL-1","x":${"[".repeat(5000)}${"]".repeat(5000)}}` },
  {
    what: "20 001 versions",
    entry: malicious("MAL-1", "evil", { ranges: [], versions: Array.from({ length: 20_001 }, (_, i) => `${i}.0.0`) }),
  },
])("$what is counted as malformed and named", async ({ entry }) => {
  put("bad.json", entry);
  put("good.json", malicious("MAL-2", "other"));
  const { summary } = await openFolder();
  expect(summary).toMatchObject({ entries: 1, malformed: 1, firstMalformed: expect.stringMatching(/bad\.json$/) });
});

test("a summary is one short line of printable text", async () => {
  put("a.json", malicious("MAL-1", "evil", {}, { summary: `\u001b[31mred\nline\u202e ${"x".repeat(500)}` }));
  const [match] = (await openFolder()).lookup({ ecosystem: "npm", name: "evil", version: "1.0.0" });
  expect(match?.summary).toMatch(/^\[31mred line x+\.\.\.$/);
  expect(match?.summary.length).toBe(203);
});

describe("limits", () => {
  const LIMITS: OsvLimits = { files: 3, entryBytes: 1000, totalBytes: 1500 };
  test("at each limit it reads on, one past it it stops", async () => {
    for (const name of ["a", "b", "c"]) put(`${name}.json`, malicious(`MAL-${name}`, name));
    expect((await openFolder({ limits: LIMITS })).summary.entries).toBe(3);
    put("d.txt", "");
    await expect(openFolder({ limits: LIMITS })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("more than 3 files"),
    });
  });
  test("entries together", async () => {
    for (const name of ["a", "b"]) put(`${name}.json`, malicious(`MAL-${name}`, name, {}, { details: "x".repeat(500) }));
    await expect(openFolder({ limits: { ...LIMITS, totalBytes: 1000 } })).rejects.toMatchObject({
      message: expect.stringContaining("more than 1000 bytes"),
    });
  });
  test("one entry", async () => {
    put("a.json", malicious("MAL-1", "small"));
    put("b.json", malicious("MAL-2", "large", {}, { details: "x".repeat(1000) }));
    expect((await openFolder({ limits: LIMITS })).summary).toMatchObject({ entries: 1, malformed: 1 });
  });
  test("folders in folders", async () => {
    put("a.json", malicious("MAL-1", "near"));
    put("1/2/3/4/5/6/7/8/b.json", malicious("MAL-2", "deep"));
    put("1/2/3/4/5/6/7/8/9/c.json", malicious("MAL-3", "deeper"));
    const feed = await openFolder();
    expect([...ids(feed, "near", "1.0.0"), ...ids(feed, "deep", "1.0.0"), ...ids(feed, "deeper", "1.0.0")]).toEqual(["MAL-1", "MAL-2"]);
  });
});

test("links in the folder are not followed", async () => {
  put("a.json", malicious("MAL-1", "real"));
  symlinkSync("/etc/passwd", join(folder, "link.json"));
  symlinkSync(folder, join(folder, "loop"));
  expect((await openFolder()).summary).toMatchObject({ entries: 1, malformed: 0 });
});

describe("a zip", () => {
  const open = (entries: Parameters<typeof buildZip>[0], limits?: OsvLimits): Promise<OsvFeed> => {
    const path = join(folder, "all.zip");
    writeFileSync(path, buildZip(entries));
    return openOsvFeed(path, { entries: "malicious", now: NOW, ...(limits ? { limits } : {}) });
  };
  const body = JSON.stringify(malicious("MAL-1", "evil"));

  test("is read like a folder", async () => {
    const feed = await open([
      { path: "npm/MAL-1.json", body },
      { path: "README.md", body: "x" },
    ]);
    expect(feed.summary).toMatchObject({ entries: 1, malformed: 0 });
    expect(ids(feed, "evil", "1.0.0")).toEqual(["MAL-1"]);
  });
  test("an entry that unpacks to more than it says is left out", async () => {
    const feed = await open([
      { path: "bomb.json", body: `${body}${" ".repeat(100_000)}`, central: { size: 10 }, local: { size: 10 } },
      { path: "good.json", body },
    ]);
    expect(feed.summary).toMatchObject({ entries: 1, malformed: 1, firstMalformed: "bomb.json" });
  });
  test("an entry past the limit is never unpacked", async () => {
    const limits = { files: 10, entryBytes: 1000, totalBytes: 2000 };
    expect(
      (
        await open(
          [
            { path: "large.json", body: " ".repeat(1001) },
            { path: "good.json", body },
          ],
          limits,
        )
      ).summary.malformed,
    ).toBe(1);
  });
  test("names that would leave a folder stop the reading", async () => {
    await expect(open([{ path: "../MAL-1.json", body }])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

test.each([
  { what: "nothing there", make: () => join(folder, "nowhere"), says: "cannot read the OSV feed" },
  { what: "an empty folder", make: () => folder, says: "has no OSV entry: it has no .json files" },
  {
    what: "a file that is no zip",
    make: () => {
      put("x.zip", "text");
      return join(folder, "x.zip");
    },
    says: "cannot read the OSV feed",
  },
  {
    what: "files of something else only",
    make: () => {
      put("x.json", "{}");
      return folder;
    },
    says: "x.json is none",
  },
])("a feed of $what does not open", async ({ make, says }) => {
  await expect(openOsvFeed(make(), { entries: "malicious", now: NOW })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining(says),
  });
});

test("a feed is stale when neither its entries nor its files are newer; a date in the future does not help it", async () => {
  put("a.json", malicious("MAL-1", "evil", {}, { modified: "2099-01-01T00:00:00Z" }));
  put("b.json", malicious("MAL-2", "evil2", {}, { modified: "2026-11-01T00:00:00Z" }));
  const old = new Date("2026-10-01T00:00:00Z");
  for (const name of ["a.json", "b.json", ""]) utimesSync(join(folder, name), old, old);
  const feed = await openFolder();
  const newest = Date.UTC(2026, 10, 1);
  expect(feed.summary.newestAt).toBe(newest);
  const day = 86_400_000;
  expect(feed.isStale(7 * day, newest + 7 * day)).toBe(false);
  expect(feed.isStale(7 * day, newest + 7 * day + 1)).toBe(true);
});
