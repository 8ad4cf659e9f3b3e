import { describe, expect, test } from "vitest";
import { formatIntegrity } from "../../../../src/core/digest.ts";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import { PACKAGE_LOCK } from "../../../../src/ecosystems/npm/locks/package-lock.ts";
import { ReadText } from "../../../support/read-lock.ts";

const read = new ReadText(PACKAGE_LOCK);
const A = formatIntegrity("sha512", "a".repeat(128));
const B = formatIntegrity("sha512", "b".repeat(128));
const SHA1 = formatIntegrity("sha1", "c".repeat(40));

type Entry = Readonly<Record<string, unknown>>;
const lock = (packages: Readonly<Record<string, Entry>>, lockfileVersion: unknown = 3) =>
  JSON.stringify({ lockfileVersion, packages: { "": { name: "app" }, ...packages } });
const one = (entry: Entry) => lock({ "node_modules/a": { version: "1.0.0", integrity: A, ...entry } });
const nested = (dependencies: Readonly<Record<string, Entry>>) => JSON.stringify({ lockfileVersion: 1, dependencies });

describe("what cannot be used", () => {
  test.each([
    ["no JSON", "{", "package-lock.json cannot be read: it is not JSON"],
    [
      "a repeated member",
      '{"lockfileVersion":3,"packages":{"node_modules/a":{},"node_modules/a":{}}}',
      'has the member "node_modules/a" twice',
    ],
    ["a later version", lock({}, 4), "expected lockfileVersion 1, 2 or 3, got 4"],
    ["no packages", '{"lockfileVersion":3}', "expected packages as a map"],
    ["a package that is no object", '{"lockfileVersion":3,"packages":{"node_modules/a":1}}', "is not an object"],
    [
      "a name that is a path",
      lock({ "node_modules/../../etc": { version: "1.0.0", integrity: A } }),
      "expected the name of an npm package",
    ],
    ["a name of another package's file", one({ name: "a/../b" }), "expected the name of an npm package"],
    ["a range for a version", one({ version: "^1.0.0" }), 'expected an exact version of a, got "^1.0.0"'],
    ["a digest of another length", one({ integrity: "sha512-AAAA" }), "claims a sha512 that is not one"],
    [
      "base64 that decoders read differently",
      one({ integrity: `sha512-${A.slice(7, 20)}*${A.slice(20)}` }),
      "expected an integrity such as sha512-BASE64",
    ],
    [
      "one archive pinned twice with other digests",
      lock({ "node_modules/a": { version: "1.0.0", integrity: A }, "node_modules/b/node_modules/a": { version: "1.0.0", integrity: B } }),
      "one archive cannot be both",
    ],
    [
      "packages that nest as something else",
      '{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":7}}}',
      "expected a map of names",
    ],
  ])("%s", (_, text, problem) => {
    expect(read.problems(text)).toContain(problem);
  });

  test("a byte, a level or a package past the limit", () => {
    const text = one({});
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, sidecarBytes: text.length, jsonDepth: 3, listedFiles: 1 })).toBe("");
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, sidecarBytes: text.length - 1 })).toContain("more than");
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, jsonDepth: 2 })).toContain("deeper than 2");
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, listedFiles: 0 })).toContain("locks 1 archives, more than 0");
  });

  test("everything that is wrong is told at once, by the lock's own name", () => {
    const text = lock({ "node_modules/a": { version: "x", integrity: A }, "node_modules/b": { version: "1.0.0", integrity: "sha512-AA" } });
    expect(read.problems(text, { name: "npm-shrinkwrap.json" }).split("\n")).toHaveLength(2);
    expect(read.problems("[]", { name: "npm-shrinkwrap.json" })).toContain("npm-shrinkwrap.json");
  });
});

describe.each([2, 3])("version %i", (version) => {
  const entries = (packages: Readonly<Record<string, Entry>>) => read.entries(lock(packages, version));

  test("packages by their names and versions, wherever they were fetched from", () => {
    expect(
      entries({
        "node_modules/a": { version: "1.0.0", resolved: "https://elsewhere.example/a/-/a-1.0.0.tgz", integrity: A },
        "node_modules/b/node_modules/a": { version: "1.0.0", resolved: "https://third.example/a/-/a-1.0.0.tgz", integrity: `${SHA1} ${A}` },
        "node_modules/@scope/pkg": { version: "2.0.0", integrity: SHA1 },
        "node_modules/odd": { version: "1.0.0", resolved: "https://registry.example/odd/-/strange-name.tgz", integrity: A },
        "node_modules/hashed": { version: "1.0.0", resolved: "https://registry.example/download/hashed/1.0.0/0123abc", integrity: A },
      }),
    ).toEqual([
      "a@1.0.0 a-1.0.0.tgz sha512:aaaaaa and sha1:cccccc",
      "@scope/pkg@2.0.0 pkg-2.0.0.tgz sha1:cccccc",
      "odd@1.0.0 strange-name.tgz sha512:aaaaaa",
      "hashed@1.0.0 hashed-1.0.0.tgz sha512:aaaaaa",
    ]);
  });

  test("a folder written as Windows writes it is filled like any other", () => {
    expect(entries({ "node_modules\\a": { version: "1.0.0", integrity: A } })).toEqual(["a@1.0.0 a-1.0.0.tgz sha512:aaaaaa"]);
  });

  test("an alias is the package that it stands for", () => {
    expect(entries({ "node_modules/mine": { name: "left-pad", version: "1.3.0", integrity: A } })).toEqual([
      "left-pad@1.3.0 left-pad-1.3.0.tgz sha512:aaaaaa",
    ]);
  });

  test("of several digests of the strongest kind any one may be met", () => {
    expect(entries({ "node_modules/a": { version: "1.0.0", integrity: `${A} ${SHA1} ${B}?opt ${A}` } })).toEqual([
      "a@1.0.0 sha512:aaaaaa or sha512:bbbbbb",
    ]);
  });

  test("which machines a package is for", () => {
    const text = lock(
      { "node_modules/a": { version: "1.0.0", integrity: A, os: ["linux", "!win32"], cpu: "x64", libc: ["glibc"], optional: true } },
      version,
    );
    expect(read.lock(text).entries).toMatchObject([{ runsOn: { os: ["linux", "!win32"], cpu: ["x64"], libc: ["glibc"] } }]);
  });

  test("the project's own folders, links into them and what stands in other archives are nobody's to fetch", () => {
    expect(
      entries({
        "packages/lib": { name: "lib", version: "1.0.0" },
        "node_modules/lib": { resolved: "packages/lib", link: true },
      }),
    ).toEqual([]);
  });

  describe("what is marked as bundled", () => {
    const BUNDLER = { version: "1.0.0", integrity: A, bundleDependencies: ["inner"] };
    const IN_BUNDLE = { version: "1.0.0", inBundle: true };
    const FETCHED = { ...IN_BUNDLE, resolved: "https://registry.example/inner/-/inner-1.0.0.tgz", integrity: B };

    test("stands in the archive of the package around it, however deep", () => {
      expect(
        entries({
          "node_modules/a": BUNDLER,
          "node_modules/a/node_modules/inner": IN_BUNDLE,
          "node_modules/a/node_modules/inner/node_modules/deeper": IN_BUNDLE,
        }),
      ).toEqual(["a@1.0.0 a-1.0.0.tgz sha512:aaaaaa"]);
    });

    // In all of these npm 11 was seen to fetch what is marked.
    test.each<[string, Readonly<Record<string, Entry>>, string]>([
      ["by the project itself", { "node_modules/inner": FETCHED }, "inner@1.0.0 inner-1.0.0.tgz sha512:bbbbbb"],
      [
        "by the project itself, without a digest",
        { "node_modules/inner": IN_BUNDLE },
        "inner@1.0.0 not covered (registry): the lock pins no digest of it",
      ],
      [
        "in a package that the project bundles",
        { "node_modules/a": { ...BUNDLER, inBundle: true }, "node_modules/a/node_modules/inner": FETCHED },
        "inner@1.0.0 inner-1.0.0.tgz sha512:bbbbbb",
      ],
      [
        "in a package that bundles nothing",
        { "node_modules/a": { version: "1.0.0", integrity: A, bundleDependencies: [] }, "node_modules/a/node_modules/inner": FETCHED },
        "inner@1.0.0 inner-1.0.0.tgz sha512:bbbbbb",
      ],
      [
        "in a package that bundles nothing, without a digest",
        { "node_modules/a": { version: "1.0.0", integrity: A }, "node_modules/a/node_modules/inner": IN_BUNDLE },
        "inner@1.0.0 not covered (registry): the lock pins no digest of it",
      ],
      [
        "in a package that bundles another",
        { "node_modules/a": { ...BUNDLER, bundleDependencies: ["other"] }, "node_modules/a/node_modules/inner": FETCHED },
        "inner@1.0.0 inner-1.0.0.tgz sha512:bbbbbb",
      ],
    ])("is told all the same %s", (_, packages, expected) => {
      expect(entries(packages).at(-1)).toBe(expected);
    });
  });

  test.each([
    ["no digest", { version: "1.0.0" }, "a@1.0.0 not covered (registry): the lock pins no digest of it"],
    [
      "no digest that we compute",
      { version: "1.0.0", integrity: "blake3-AAAA" },
      "a@1.0.0 not covered (registry): the lock pins no digest of it that Assay computes",
    ],
    ["no version", { optional: true, peer: true }, "a not covered (registry): the lock gives it no version"],
    ["git", { version: "1.0.0", resolved: "git+ssh://git@git.example/x.git#0123" }, "a not covered (git): it comes from a git repository"],
    [
      "a file",
      { version: "1.0.0", resolved: "file:a-1.0.0.tgz", integrity: A },
      "a not covered (path): it comes from a path on disk, not from a registry",
    ],
    ["a link out", { resolved: "../a", link: true }, "a not covered (path): it is a link to a folder outside of the project"],
  ])("%s is told as not covered", (_, entry, expected) => {
    expect(entries({ "node_modules/a": entry })).toEqual([expected]);
  });

  test("so is what a package asks for by its address, though it has a digest", () => {
    const url = "https://elsewhere.example/a/-/a-1.0.0.tgz";
    const text = JSON.stringify({
      lockfileVersion: version,
      packages: { "": { dependencies: { a: url } }, "node_modules/a": { version: "1.0.0", resolved: url, integrity: A } },
    });
    expect(read.entries(text)).toEqual(["a not covered (url): it comes from an address of its own, not from a registry"]);
  });
});

test("version 1: packages within packages, aliases, and what stands in other archives", () => {
  expect(
    read.entries(
      nested({
        a: {
          version: "1.0.0",
          integrity: A,
          dependencies: { b: { version: "2.0.0", integrity: B }, inner: { version: "1.0.0", bundled: true } },
        },
        fetched: { version: "1.0.0", bundled: true, integrity: B },
        unpinned: { version: "1.0.0", bundled: true },
        mine: { version: "npm:@scope/left-pad@1.3.0", integrity: A },
        repo: { version: "github:acme/x#0123" },
        zip: { version: "https://elsewhere.example/x.tgz", integrity: A },
        own: { version: "file:../own" },
        old: { version: "1.0.0" },
      }),
    ),
  ).toEqual([
    "a@1.0.0 a-1.0.0.tgz sha512:aaaaaa",
    "fetched@1.0.0 fetched-1.0.0.tgz sha512:bbbbbb",
    "unpinned@1.0.0 not covered (registry): the lock pins no digest of it",
    "@scope/left-pad@1.3.0 left-pad-1.3.0.tgz sha512:aaaaaa",
    "repo not covered (git): it comes from a git repository",
    "zip not covered (url): it comes from an address of its own, not from a registry",
    "own not covered (path): it comes from a path on disk, not from a registry",
    "old@1.0.0 not covered (registry): the lock pins no digest of it",
    "b@2.0.0 b-2.0.0.tgz sha512:bbbbbb",
  ]);
});

test("the members that every object has are names like any other", () => {
  const text = `{"lockfileVersion":3,"packages":{"node_modules/__proto__":{"version":"1.0.0","integrity":"${A}"},"node_modules/constructor":{"version":"1.0.0","integrity":"${A}"}}}`;
  expect(read.problems(text)).toContain('got "__proto__"');
  expect(read.entries(text.replace("__proto__", "proto"))).toEqual([
    "proto@1.0.0 proto-1.0.0.tgz sha512:aaaaaa",
    "constructor@1.0.0 constructor-1.0.0.tgz sha512:aaaaaa",
  ]);
});
