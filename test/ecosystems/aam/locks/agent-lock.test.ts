import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import type { LockFile, LockReading } from "../../../../src/core/lock-file.ts";
import { AGENT_LOCK } from "../../../../src/ecosystems/aam/locks/agent-lock.ts";
import { sharedData } from "../../../support/shared-data.ts";

const HEX = createHash("sha256").update("the archive").digest("hex");
const BASE64 = Buffer.from(HEX, "hex").toString("base64");

type Tree = Record<string, unknown>;

/** An entry of version 2 as the specification's example has it. */
function entry(name: string, version: string, more: Tree = {}, source: Tree = {}): Tree {
  const registry = "https://registry.example/aam";
  const tarball = `${registry}/packages/${name}/${version}/tarball`;
  return {
    version,
    source: { type: "registry", registry, name, version, tarball, display: `registry:${name}`, ...source },
    integrity: `sha256-${BASE64}`,
    ...more,
  };
}
const lockOf = (resolved: Tree, more: Tree = {}): Tree => ({ lockVersion: 2, resolved, ...more });
const GOOD = lockOf({
  "@myorg/review": entry("@myorg/review", "2.0.0", { dependencies: { tool: "1.0.1" } }),
  tool: entry("tool", "1.0.1"),
});

function read(lock: Tree | string, manifest?: Tree | string, limits = DEFAULT_LIMITS, name = "package.agent.json"): LockReading {
  const bytes = (given: Tree | string): Buffer => Buffer.from(typeof given === "string" ? given : JSON.stringify(given));
  return AGENT_LOCK.read(bytes(lock), manifest === undefined ? {} : { manifest: { name, body: bytes(manifest) } }, limits);
}
function problems(reading: LockReading): readonly string[] {
  return reading.ok ? [] : reading.problems.map(({ text }) => text);
}
function lockFile(reading: LockReading): LockFile {
  if (!reading.ok) throw new Error(problems(reading).join("; "));
  return reading.lock;
}
const stale = (lock: Tree, manifest?: Tree): readonly string[] => lockFile(read(lock, manifest)).stale.map(({ text }) => text);

describe("a lock that is not wholly understood is not used", () => {
  const one = (name: string, value: unknown): Tree => lockOf({ [name]: value });
  test.each<{ readonly attack: string; readonly lock: Tree | string; readonly says: string }>([
    { attack: "no JSON", lock: "lockVersion: 2", says: "it is not JSON" },
    { attack: "a list", lock: "[]", says: "it is JSON, but not an object" },
    { attack: "a package twice", lock: '{"lockVersion":2,"resolved":{"a":{},"a":{}}}', says: 'the member "a" twice' },
    {
      attack: "a pin twice",
      lock: JSON.stringify(GOOD).replace('"integrity":', `"integrity":"sha256-${HEX}","integrity":`),
      says: "twice",
    },
    { attack: "nesting past the limit", lock: `{"lockVersion":2,"x":${"[".repeat(200)}${"]".repeat(200)}}`, says: "nests deeper than" },
    { attack: "a newer version", lock: { ...GOOD, lockVersion: 3 }, says: 'expected lockVersion 1 or 2, got "3"' },
    { attack: "a version in quotes", lock: { ...GOOD, lockVersion: "2" }, says: "expected lockVersion 1 or 2" },
    { attack: "no version", lock: { resolved: {} }, says: 'expected lockVersion 1 or 2, got "nothing"' },
    { attack: "nothing resolved", lock: { lockVersion: 2 }, says: "expected resolved as a map" },
    { attack: "a list of packages", lock: lockOf([] as unknown as Tree), says: "expected resolved as a map" },
    { attack: "two versions of one package", lock: one("tool@1.0.0", entry("tool", "1.0.0")), says: "the strategy Duplicate" },
    { attack: "versions as a list", lock: one("tool", [entry("tool", "1.0.0"), entry("tool", "2.0.0")]), says: "is not an object" },
    { attack: "a name that is a path", lock: one("../../etc/passwd", entry("tool", "1.0.0")), says: "expected the name of an AAM package" },
    {
      attack: "a name with a folder of another",
      lock: one("myorg--review", entry("tool", "1.0.0")),
      says: "expected the name of an AAM package",
    },
    {
      attack: "a prototype",
      lock: '{"lockVersion":2,"resolved":{"__proto__":{"version":"1.0.0"}}}',
      says: "expected the name of an AAM package",
    },
    { attack: "a range in place of a version", lock: one("tool", entry("tool", "^1.0.0")), says: "expected an exact version" },
    { attack: "a tag in place of a version", lock: one("tool", entry("tool", "latest")), says: "expected an exact version" },
    {
      attack: "no version of a package",
      lock: one("tool", entry("tool", "1.0.0", { version: undefined })),
      says: '["tool"].version is missing',
    },
    {
      attack: "a source of another package",
      lock: one("tool", entry("tool", "1.0.0", {}, { name: "evil" })),
      says: 'expected "tool", as the entry says, got "evil"',
    },
    {
      attack: "a source of another version",
      lock: one("tool", entry("tool", "1.0.0", {}, { version: "6.6.6" })),
      says: 'expected "1.0.0", as the entry says',
    },
    {
      attack: "a source as a text",
      lock: one("tool", entry("tool", "1.0.0", { source: "registry:tool" })),
      says: ".source is not an object",
    },
    {
      attack: "an unknown source",
      lock: one("tool", entry("tool", "1.0.0", {}, { type: "carrier-pigeon" })),
      says: "expected registry, file, bundle or git",
    },
    { attack: "no digest", lock: one("tool", entry("tool", "1.0.0", { integrity: undefined })), says: ".integrity is missing" },
    { attack: "an empty digest", lock: one("tool", entry("tool", "1.0.0", { integrity: "" })), says: ".integrity is not a text" },
    { attack: "a digest as null", lock: one("tool", entry("tool", "1.0.0", { integrity: null })), says: ".integrity is missing" },
    {
      attack: "dependencies as a list",
      lock: one("tool", entry("tool", "1.0.0", { dependencies: ["a"] })),
      says: ".dependencies is not an object",
    },
    { attack: "groups as a list", lock: lockOf({}, { groups: ["dev"] }), says: "expected groups as a map of names to true or false" },
    { attack: "a group that is a word", lock: lockOf({}, { selectedExtras: { ocr: "yes" } }), says: "expected selectedExtras as a map" },
  ])("$attack", ({ lock, says }) => {
    const found = problems(read(lock));
    expect(found.join("\n")).toContain(says);
  });

  test.each([
    ["another algorithm", `sha512-${Buffer.alloc(64).toString("base64")}`],
    ["a weak algorithm", `sha1-${"0".repeat(40)}`],
    ["no algorithm", HEX],
    ["a hexadecimal digit too few", `sha256-${HEX.slice(1)}`],
    ["a hexadecimal digit too many", `sha256-${HEX}0`],
    ["base64 of 31 bytes", `sha256-${Buffer.alloc(31).toString("base64")}`],
    ["base64 of 33 bytes", `sha256-${Buffer.alloc(33).toString("base64")}`],
    ["base64 with a character that decoders pass over", `sha256-${BASE64.slice(0, 4)}!${BASE64.slice(4)}`],
    ["base64 that hides bits after the end", `sha256-${BASE64.slice(0, -2)}${BASE64.at(-2) === "B" ? "C" : "B"}=`],
    ["two digests", `sha256-${BASE64} sha256-${Buffer.alloc(32).toString("base64")}`],
    ["options after the digest", `sha256-${BASE64}?x`],
    ["white space before it", ` sha256-${BASE64}`],
  ])("a digest that is %s", (_, integrity) => {
    expect(problems(read(one("tool", entry("tool", "1.0.0", { integrity }))))).toEqual([
      expect.stringContaining("expected sha256- and a SHA-256"),
    ]);
  });

  test("bytes that are no UTF-8", () => {
    const reading = AGENT_LOCK.read(Buffer.from(JSON.stringify(GOOD).replace("2.0.0", "2.0.0\u00ff"), "latin1"), {}, DEFAULT_LIMITS);
    expect(problems(reading)).toEqual([expect.stringContaining("it is not UTF-8")]);
  });

  test("all that is wrong is told at once, in printable text", () => {
    const lock = lockOf({ "evil\u001b[2K": {}, tool: entry("tool", "1"), other: entry("other", "1.0.0", {}, { name: "tool" }) });
    const found = problems(read(lock));
    expect(found).toHaveLength(3);
    expect(found.join("")).toMatch(/^[\x20-\x7e]*$/);
  });

  test("one byte past the limit, and one package", () => {
    const text = JSON.stringify(GOOD);
    expect(read(text, undefined, { ...DEFAULT_LIMITS, sidecarBytes: text.length }).ok).toBe(true);
    expect(problems(read(text, undefined, { ...DEFAULT_LIMITS, sidecarBytes: text.length - 1 }))).toEqual([
      expect.stringContaining("has more than"),
    ]);
    expect(read(text, undefined, { ...DEFAULT_LIMITS, listedFiles: 2 }).ok).toBe(true);
    expect(problems(read(text, undefined, { ...DEFAULT_LIMITS, listedFiles: 1 }))).toEqual([
      expect.stringContaining("locks 2 packages, more than 1"),
    ]);
  });

  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["a key twice", '{"dependencies":{"a":"1.0.0","a":"2.0.0"}}', "twice"],
    ["dependencies as a list", '{"dependencies":["a"]}', "package.agent.json.dependencies is not an object of texts"],
    ["a group as a list", '{"dependencyGroups":[]}', "package.agent.json.dependencyGroups is not an object"],
  ])("beside a manifest with %s", (_, manifest, says) => {
    expect(problems(read({ ...GOOD, groups: { dev: true } }, manifest)).join()).toContain(says);
  });
});

describe("what a lock pins", () => {
  const pin = { algorithm: "sha256", hex: HEX };

  test.each([`sha256-${BASE64}`, `sha256-${HEX}`, `sha256:${HEX}`, `sha256-${HEX.toUpperCase()}`])("by %s", (integrity) => {
    expect(lockFile(read(lockOf({ tool: entry("tool", "1.0.0", { integrity }) }))).entries).toEqual([
      {
        kind: "artifact",
        at: 'resolved["tool"]',
        ecosystem: "aam",
        name: "tool",
        version: "1.0.0",
        file: "tool-1.0.0.aam",
        pins: [{ ...pin, claimedBy: "package.agent.lock for tool@1.0.0" }],
      },
    ]);
  });

  test("addresses and the text for people say nothing: what is locked is asked of the mirror's own upstreams", () => {
    const lies = { registry: "https://evil.example/", tarball: "https://evil.example/evil.aam", display: "registry:evil" };
    const honest = lockFile(read(lockOf({ tool: entry("tool", "1.0.0") })));
    const lying = lockFile(read(lockOf({ tool: entry("tool", "1.0.0", {}, lies) })));
    expect(lying).toEqual(honest);
    expect(JSON.stringify(lying)).not.toContain("evil");
  });

  test.each([
    ["path", { type: "file", path: "../tool" }, 'it comes from the path "../tool"'],
    ["bundle", { type: "bundle", path: "tool.bundle.aam", target: "cursor" }, "it comes from the bundle"],
    ["git", { type: "git", url: "https://git.example/tool" }, "it comes from a git repository"],
  ])("a source of kind %s is told as not covered", (source, written, reason) => {
    const { entries } = lockFile(read(lockOf({ tool: { ...entry("tool", "1.0.0"), source: written } })));
    expect(entries).toEqual([{ kind: "uncovered", at: 'resolved["tool"]', name: "tool", source, reason: expect.stringContaining(reason) }]);
  });

  const first = (source: unknown, integrity = `sha256-${HEX}`): Tree => ({
    lockVersion: 1,
    resolved: { tool: { version: "1.0.0", source, integrity } },
  });
  test.each([
    ["registry:tool", "artifact"],
    ["registry", "artifact"],
    ["file:../tool", "uncovered"],
    ["bundle:tool.bundle.aam", "uncovered"],
    ["git+https://git.example/tool@v1", "uncovered"],
  ])("version 1: the source %s", (source, kind) => {
    const lock = lockFile(read(first(source)));
    expect(lock).toMatchObject({ format: "package.agent.lock, version 1", entries: [{ kind, name: "tool" }] });
  });
  test.each([["registry:evil"], ["https://registry.example/tool"], [{ type: "registry", name: "tool", version: "1.0.0" }]])(
    "version 1 refuses the source %j",
    (source) => {
      expect(problems(read(first(source)))).toEqual([expect.stringContaining(".source")]);
    },
  );

  test("what later versions of the specification add is passed over", () => {
    const more = { systemChecks: { python: "3.12.1" }, workspaceMembers: ["a"], "x-acme": {} };
    expect(lockFile(read({ ...GOOD, ...more })).entries).toHaveLength(2);
  });
});

describe("a lock is stale", () => {
  const needs = (dependencies: Tree, more: Tree = {}): Tree => ({ name: "app", version: "1.0.0", dependencies, ...more });
  const GOOD_NEEDS = { "@myorg/review": "^2.0.0" };

  test.each<{ readonly name: string; readonly lock?: Tree; readonly manifest?: Tree; readonly says: string }>([
    {
      name: "what is asked for is missing",
      manifest: needs({ ...GOOD_NEEDS, more: "^1.0.0" }),
      says: 'asks for "more" as "^1.0.0", and the lock has none',
    },
    { name: "a range is not met", manifest: needs({ "@myorg/review": "^3.0.0" }), says: 'as "^3.0.0", and the lock has 2.0.0' },
    {
      name: "what is locked is needed no more",
      manifest: needs({ tool: "1.0.1" }),
      says: 'resolved["@myorg/review"] is locked, and nothing',
    },
    {
      name: "an edge leads out of it",
      lock: lockOf({ a: entry("a", "1.0.0", { dependencies: { b: "1.0.0" } }) }),
      says: '"b" as "1.0.0", and the lock has none',
    },
    {
      name: "an edge leads to another version",
      lock: lockOf({ a: entry("a", "1.0.0", { dependencies: { b: "1.0.0" } }), b: entry("b", "1.0.1") }),
      says: "and the lock has 1.0.1",
    },
    {
      name: "a chosen group asks for more",
      lock: { ...GOOD, groups: { dev: true } },
      manifest: needs(GOOD_NEEDS, { dependencyGroups: { dev: { dependencies: { tester: "*" } } } }),
      says: 'asks for "tester"',
    },
    {
      name: "a chosen extra is gone",
      lock: { ...GOOD, selectedExtras: { ocr: true } },
      manifest: needs(GOOD_NEEDS),
      says: '"ocr" of extras',
    },
    {
      name: "a resolution says another version",
      manifest: needs(GOOD_NEEDS, { resolutions: { "@myorg/review": "2.0.1" } }),
      says: 'as "2.0.1"',
    },
    {
      name: "an optional dependency is locked out of its range",
      manifest: needs(GOOD_NEEDS, { optionalDependencies: { tool: "^2.0.0" } }),
      says: '"tool" as "^2.0.0"',
    },
    {
      name: "it was chosen by another tag",
      lock: lockOf({ a: entry("a", "1.0.0", {}, { resolvedTag: "stable" }) }),
      manifest: needs({ a: "beta" }),
      says: 'as "beta"',
    },
    {
      name: "a pre-release is locked where the range names none",
      lock: lockOf({ a: entry("a", "1.1.0-beta.1") }),
      manifest: needs({ a: "^1.0.0" }),
      says: '"^1.0.0"',
    },
  ])("where $name", ({ lock = GOOD, manifest, says }) => {
    expect(stale(lock, manifest)).toEqual([expect.stringContaining(says)]);
  });

  test.each<{ readonly name: string; readonly lock?: Tree; readonly manifest: Tree }>([
    { name: "all is met", manifest: needs(GOOD_NEEDS) },
    {
      name: "a group that was not chosen asks for more",
      lock: { ...GOOD, groups: { dev: false } },
      manifest: needs(GOOD_NEEDS, { dependencyGroups: { dev: { dependencies: { x: "*" } } } }),
    },
    {
      name: "an optional or peer dependency was left out",
      manifest: needs(GOOD_NEEDS, { optionalDependencies: { x: "*" }, peerDependencies: { y: "*" } }),
    },
    {
      name: "a resolution overrides the range",
      manifest: needs({ "@myorg/review": "^9.0.0" }, { resolutions: { "@myorg/review": "2.0.0" } }),
    },
    {
      name: "it was chosen by the tag that is asked for",
      lock: lockOf({ a: entry("a", "1.0.0", {}, { resolvedTag: "stable" }) }),
      manifest: needs({ a: "stable" }),
    },
    { name: "comparators are joined as the client joins them", manifest: needs({ "@myorg/review": ">=2.0.0,<3.0.0" }) },
    {
      name: "any version is asked for, and a pre-release is locked",
      lock: lockOf({ a: entry("a", "1.0.0-rc.1") }),
      manifest: needs({ a: "*" }),
    },
    {
      name: "two packages need each other",
      lock: lockOf({ a: entry("a", "1.0.0", { dependencies: { b: "1.0.0" } }), b: entry("b", "1.0.0", { dependencies: { a: "1.0.0" } }) }),
      manifest: needs({ a: "1.0.0" }),
    },
    { name: "a workspace's members need what the root does not", lock: { ...GOOD, workspaceMembers: ["a"] }, manifest: needs({}) },
  ])("but not where $name", ({ lock = GOOD, manifest }) => {
    expect(stale(lock, manifest)).toEqual([]);
  });

  test("by a manifest that was written in YAML", () => {
    const told = lockFile(
      read(GOOD, "dependencies: {tool: ^2.0.0, '@myorg/review': ^2.0.0}\n", DEFAULT_LIMITS, "package.agent.yaml"),
    ).stale;
    expect(told).toEqual([{ at: "package.agent.yaml", text: 'package.agent.yaml asks for "tool" as "^2.0.0", and the lock has 1.0.1' }]);
    const unread = read(GOOD, "dependencies: &a {}\nextras: *a\n", DEFAULT_LIMITS, "package.agent.yaml");
    expect(problems(unread)).toEqual([expect.stringContaining("package.agent.yaml has the")]);
  });

  test("a range of more characters than anybody writes is not taken apart", () => {
    expect(stale(GOOD, needs({ "@myorg/review": `${" ".repeat(100_000)}*` }))).toHaveLength(1);
  });
});

const data = sharedData("aam");
describe.skipIf(data === undefined)("the specification's own fixture", () => {
  const lock = (): Buffer => readFileSync(join(data ?? "", "package.agent.lock"));

  test("pins the archives that the registry beside it has", () => {
    const { entries, stale: open } = lockFile(AGENT_LOCK.read(lock(), {}, DEFAULT_LIMITS));
    expect(open).toEqual([]);
    const pinned = entries.map((each) => (each.kind === "artifact" ? `${each.name}@${each.version} ${each.pins[0].hex}` : each.at));
    const folders = {
      "@myorg/code-review": ["myorg--code-review", "2.0.0"],
      "git-utils": ["git-utils", "1.0.1"],
      "testing-utils": ["testing-utils", "2.4.0"],
    };
    const archives = Object.entries(folders).map(([name, [folder = "", version = ""]]) => {
      const bytes = readFileSync(join(data ?? "", "registry-uaaps", "packages", folder, "versions", `${version}.aam`));
      return `${name}@${version} ${createHash("sha256").update(bytes).digest("hex")}`;
    });
    expect(pinned).toEqual(archives);
  });
});
