import { describe, expect, test } from "vitest";
import { formatIntegrity } from "../../../../src/core/digest.ts";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import { PNPM_LOCK } from "../../../../src/ecosystems/npm/locks/pnpm-lock.ts";
import { ReadText } from "../../../support/read-lock.ts";

const read = new ReadText(PNPM_LOCK);
const A = formatIntegrity("sha512", "a".repeat(128));
const B = formatIntegrity("sha512", "b".repeat(128));
const lock = (version: string, ...packages: readonly string[]) =>
  `lockfileVersion: ${version}\npackages:\n${packages.map((each) => `  ${each}\n`).join("")}`;
const pinned = (key: string, integrity = A) => `'${key}': {resolution: {integrity: ${integrity}}}`;

describe("what cannot be used", () => {
  test.each([
    ["no YAML", "a: [", "is not valid YAML"],
    ["a repeated key", lock("'9.0'", pinned("a@1.0.0"), pinned("a@1.0.0")), 'has the key "a@1.0.0" twice'],
    ["a custom tag", "lockfileVersion: !!js/function 'x'", "is not valid YAML"],
    ["a version that is not known", lock("'8.0'"), 'expected lockfileVersion 5, 6 or 9, got "8.0"'],
    ["no version", "packages: {}", "expected lockfileVersion 5, 6 or 9, got nothing"],
    ["three documents", "a: 1\n---\nb: 1\n---\nc: 1", "has more than 2 documents"],
    ["a name that is a path", lock("'9.0'", pinned("../a@1.0.0")), "expected the name of an npm package"],
    ["a digest of another length", lock("'9.0'", pinned("a@1.0.0", "sha512-AAAA")), "claims a sha512 that is not one"],
    ["no resolution", lock("'9.0'", "a@1.0.0: {}"), ".resolution is missing"],
    [
      "one archive pinned twice with other digests",
      lock("'6.0'", pinned("/a@1.0.0(b@1.0.0)"), pinned("/a@1.0.0(b@2.0.0)", B)),
      "one archive cannot be both",
    ],
  ])("%s", (_, text, problem) => {
    expect(read.problems(text)).toContain(problem);
  });

  test("a byte or a package past the limit", () => {
    const text = lock("'9.0'", pinned("a@1.0.0"));
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, sidecarBytes: text.length, listedFiles: 1 })).toBe("");
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, sidecarBytes: text.length - 1 })).toContain("more than");
    expect(read.problems(text, {}, { ...DEFAULT_LIMITS, listedFiles: 0 })).toContain("more than 0");
  });
});

test.each([
  ["9.0", "'9.0'", ["a@1.0.0", "@scope/b@2.0.0-rc.1"]],
  ["6.0, with peers", "'6.0'", ["/a@1.0.0(@scope/peer@1.0.0)(x@2.0.0)", "/@scope/b@2.0.0-rc.1"]],
  ["5.4, with peers", "5.4", ["/a/1.0.0_@scope+peer@1.0.0", "/@scope/b/2.0.0-rc.1"]],
  [
    "5.4 with inline specifiers, of another registry",
    "5.4-inlineSpecifiers",
    ["registry.example/a/1.0.0", "registry.example/@scope/b/2.0.0-rc.1_x"],
  ],
])("packages of version %s by their names and versions", (_, version, [a = "", b = ""]) => {
  expect(read.entries(lock(version, pinned(a), pinned(b, B)))).toEqual([
    "a@1.0.0 a-1.0.0.tgz sha512:aaaaaa",
    "@scope/b@2.0.0-rc.1 b-2.0.0-rc.1.tgz sha512:bbbbbb",
  ]);
});

test("one package with different peers is one archive", () => {
  expect(read.entries(lock("'6.0'", pinned("/a@1.0.0(b@1.0.0)"), pinned("/a@1.0.0(b@2.0.0)")))).toEqual([
    "a@1.0.0 a-1.0.0.tgz sha512:aaaaaa",
  ]);
});

test("an archive of a registry that keeps it at an odd place is the registry's all the same", () => {
  const text = lock(
    "'9.0'",
    `a@1.0.0: {resolution: {integrity: ${A}, tarball: https://elsewhere.example/download/a-one.tgz}, os: [linux], cpu: [x64]}`,
  );
  expect(read.entries(text)).toEqual(["a@1.0.0 a-one.tgz sha512:aaaaaa"]);
  expect(read.lock(text).entries).toMatchObject([{ runsOn: { os: ["linux"], cpu: ["x64"] } }]);
});

test.each([
  [
    "git",
    "'9.0'",
    "a@git+https://git.example/x.git#01: {resolution: {commit: '01', repo: https://git.example/x.git, type: git}}",
    "a not covered (git): it comes from a git repository",
  ],
  [
    "an archive made by a git host",
    "'9.0'",
    `a@https://codeload.example/x/tar.gz/01: {resolution: {gitHosted: true, tarball: https://codeload.example/x/tar.gz/01, integrity: ${A}}, version: 1.0.0}`,
    "a not covered (git): it comes from a git repository",
  ],
  [
    "an address",
    "'9.0'",
    `a@https://elsewhere.example/a.tgz: {resolution: {tarball: https://elsewhere.example/a.tgz, integrity: ${A}}, version: 1.0.0}`,
    "a not covered (url): it comes from an address of its own, not from a registry",
  ],
  [
    "a folder",
    "'9.0'",
    "a@file:../a: {resolution: {directory: ../a, type: directory}}",
    "a not covered (path): it comes from a path on disk, not from a registry",
  ],
  [
    "a file",
    "'6.0'",
    `file:a.tgz: {resolution: {integrity: ${A}, tarball: file:a.tgz}, name: a, version: 1.0.0}`,
    "a not covered (path): it comes from a path on disk, not from a registry",
  ],
  [
    "a git host of version 5",
    "5.4",
    "github.example/acme/a/0123: {resolution: {tarball: https://codeload.example/acme/a/tar.gz/0123}, name: a, version: 1.0.0}",
    "a not covered (url): it comes from an address of its own, not from a registry",
  ],
  [
    "no digest",
    "'9.0'",
    "a@1.0.0: {resolution: {tarball: https://elsewhere.example/a.tgz}}",
    "a@1.0.0 not covered (registry): the lock pins no digest of it",
  ],
])("%s is told as not covered", (_, version, entry, expected) => {
  expect(read.entries(lock(version, `'${entry.slice(0, entry.indexOf(": "))}'${entry.slice(entry.indexOf(": "))}`))).toEqual([expected]);
});

test("patches are told, and the lock of pnpm's own tools is read too", () => {
  const own = lock("'9.0'", pinned("pnpm@11.0.0"));
  const project = `${lock("'9.0'", pinned("a@1.0.0"))}patchedDependencies:\n  a@1.0.0: {hash: 0123, path: patches/a.patch}\n`;
  const { entries, notes } = read.lock(`---\n${own}---\n${project}`);
  expect(entries.map(({ kind, at }) => `${kind} ${at}`)).toEqual(['artifact packages["pnpm@11.0.0"]', 'artifact packages["a@1.0.0"]']);
  expect(notes.map(({ at }) => at)).toEqual(['patchedDependencies["a@1.0.0"]']);
});
