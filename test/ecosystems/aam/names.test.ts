import { describe, expect, test } from "vitest";
import {
  archiveFile,
  folderName,
  isDistTag,
  type PackageName,
  parsePackageName,
  parseVersion,
  VERSION_CHARACTERS,
  type Version,
} from "../../../src/ecosystems/aam/names.ts";

describe("package names", () => {
  test.each([
    ["empty", ""],
    ["upper case", "Git-Utils"],
    ["a dot segment", "@a/../b"],
    ["a dot segment for a scope", "@../b"],
    ["a slash without a scope", "a/b"],
    ["two slashes", "@a/b/c"],
    ["an empty scope", "@/b"],
    ["an empty name", "@a/"],
    ["a backslash", "a\\b"],
    ["an encoded slash", "@a%2fb"],
    ["a NUL", "a\0"],
    ["a line break at the end", "git-utils\n"],
    ["a header", "a\r\nX: y"],
    ["a leading hyphen", "-a"],
    ["an underscore outside a scope", "my_tool"],
    ["letters of another alphabet", "gіt-utils"],
    ["the folder of a scoped package", "myorg--code-review"],
    ["a scope whose folder is another scope's package", "@a--b/c"],
    ["a name whose folder is another scope's package", "@a/b--c"],
    ["one character too many", "a".repeat(65)],
    ["a scope one character too long", `@${"a".repeat(65)}/b`],
  ])("%s is refused", (_, name) => {
    expect(parsePackageName(name)).toBeUndefined();
  });

  test.each([
    "git-utils",
    "0",
    "a".repeat(64),
    "@myorg/code-review",
    "@my_org/data-exporter",
    "@a-/b",
    `@${"a".repeat(64)}/${"b".repeat(64)}`,
  ])("%s is taken", (name) => {
    expect(parsePackageName(name)).toBe(name);
  });

  test("no two names share a folder", () => {
    const names = ["a-b", "@a/b", "@a-/b", "@a_/b", "@a/b-c", "@a-b/c", "a-b-c", "@my_org/x", "my-org-x"].map(
      (name) => parsePackageName(name) as PackageName,
    );
    expect(new Set(names.map(folderName)).size).toBe(names.length);
  });
});

describe("versions", () => {
  test.each([
    "",
    "v1.0.0",
    "=1.0.0",
    " 1.0.0",
    "1.0.0 ",
    "1.0.0\n",
    "1.0",
    "1",
    "01.0.0",
    "1.0.0-01",
    "1.0.0-",
    "1.0.0+",
    "1.0.0+a+b",
    "1.0.0 b",
    "1.0.0/../../x",
    "^1.0.0",
    "latest",
    "*",
    "9007199254740993.0.0",
    `1.0.0-${"a".repeat(VERSION_CHARACTERS - 5)}`,
  ])("%j is refused", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  test.each(["1.0.0", "3.0.0-beta.1", "1.0.0+build.5", "1.0.0-rc.1+exp.sha-5114f85", `1.0.0-${"a".repeat(VERSION_CHARACTERS - 6)}`])(
    "%s is taken as it is",
    (text) => {
      expect(parseVersion(text)).toBe(text);
    },
  );

  test("a plus stays a plus in the archive's file name", () => {
    expect(archiveFile("@myorg/code-review" as PackageName, "1.0.0+build.5" as Version)).toBe("myorg--code-review-1.0.0+build.5.aam");
  });
});

test.each([
  ["latest", true],
  ["beta-2", true],
  ["a".repeat(32), true],
  ["a".repeat(33), false],
  ["1.0.0", false],
  ["Beta", false],
  ["a b", false],
  ["__proto__", false],
])("%s as a dist-tag: %s", (tag, expected) => {
  expect(isDistTag(tag)).toBe(expected);
});
