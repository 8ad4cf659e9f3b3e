import { describe, expect, test } from "vitest";
import { type FileName, parseFileName } from "../../../src/ecosystems/pypi/file-name.ts";
import { parseProjectName } from "../../../src/ecosystems/pypi/project-name.ts";
import { sameVersion } from "../../../src/ecosystems/pypi/version.ts";

describe("a project name", () => {
  test.each([
    ["", undefined],
    [".", undefined],
    ["..", undefined],
    ["a/b", undefined],
    ["a b", undefined],
    ["a\0b", undefined],
    ["a\r\nb", undefined],
    ["naïve", undefined],
    ["-a", undefined],
    ["a.", undefined],
    ["a".repeat(201), undefined],
    ["a".repeat(200), "a".repeat(200)],
    ["Zope.Interface", "zope-interface"],
    ["a-_.-b", "a-b"],
    ["7", "7"],
  ])("%j is %j", (text, expected) => {
    expect(parseProjectName(text)).toBe(expected);
  });
});

describe("a file name outside the grammar is no file of the project", () => {
  test.each([
    ["another project's wheel", "other-1.0-py3-none-any.whl"],
    ["another project whose name begins the same", "demo_pkg_extra-1.0-py3-none-any.whl"],
    ["a wheel of four parts", "demo_pkg-1.0-py3-none.whl"],
    ["a wheel of seven parts", "demo_pkg-1.0-1-2-py3-none-any.whl"],
    ["a build tag that is no number", "demo_pkg-1.0-x1-py3-none-any.whl"],
    ["an empty tag", "demo_pkg-1.0--none-any.whl"],
    ["a wheel whose name holds a dash", "demo-pkg-1.0-py3-none-any.whl"],
    ["no version", "demo_pkg.tar.gz"],
    ["an empty version", "demo_pkg-.tar.gz"],
    ["a version that begins with a dot", "demo_pkg-.1.tar.gz"],
    ["an unknown ending", "demo_pkg-1.0.html"],
    ["no ending", "demo_pkg-1.0"],
    ["a signature", "demo_pkg-1.0.tar.gz.asc"],
    ["a leading dot", ".demo_pkg-1.0.tar.gz"],
    ["a slash", "x/demo_pkg-1.0.tar.gz"],
    ["a backslash", "demo_pkg-1.0\\.tar.gz"],
    ["a percent sign", "demo_pkg-1.0%2e.tar.gz"],
    ["a query", "demo_pkg-1.0.tar.gz?x.tar.gz"],
    ["markup", "demo_pkg-1.0<b>.tar.gz"],
    ["markup in a tag", "demo_pkg-1.0-py3-none-<b>.whl"],
    ["a line break in a tag", "demo_pkg-1.0-py3-none-any\n.whl"],
    ["a letter whose lowercase is Latin", "demo_p\u212Ag-1.0.tar.gz"],
    ["256 characters", `demo_pkg-${"1".repeat(240)}.tar.gz`],
  ])("%s", (_what, file) => {
    expect(parseFileName(file, "demo-pkg")).toBeUndefined();
  });
});

describe("a file name is taken apart", () => {
  const rows: [file: string, project: string, expected: Omit<FileName, "file">][] = [
    ["demo_pkg-1.0-py3-none-any.whl", "demo-pkg", { version: "1.0", kind: "wheel", container: "zip" }],
    ["Demo.Pkg-1.0+cu12_1-2b-cp312-cp312-linux_x86_64.whl", "demo-pkg", { version: "1.0+cu12_1", kind: "wheel", container: "zip" }],
    ["demo_pkg-1!2.0rc1-py2.py3-none-any.whl", "demo-pkg", { version: "1!2.0rc1", kind: "wheel", container: "zip" }],
    ["demo_pkg-1.0.tar.gz", "demo-pkg", { version: "1.0", kind: "sdist", container: "tar.gz" }],
    ["demo-pkg-1.0-beta-2.tgz", "demo-pkg", { version: "1.0-beta-2", kind: "sdist", container: "tar.gz" }],
    ["python-3-tools-2-1.0.zip", "python-3-tools-2", { version: "1.0", kind: "sdist", container: "zip" }],
    ["pytz-2005k.tar.bz2", "pytz", { version: "2005k", kind: "sdist", container: "tar.bz2" }],
    ["demo-1.0.tar.xz", "demo", { version: "1.0", kind: "sdist", container: "tar.xz" }],
    ["demo-1.0.tar", "demo", { version: "1.0", kind: "sdist", container: "tar" }],
    ["demo_pkg-1.0_1-py2.7-linux-x86_64.egg", "demo-pkg", { version: "1.0_1", kind: "egg", container: "zip" }],
    ["demo-1.0.win32-py2.7.exe", "demo", { version: "1.0.win32-py2.7", kind: "other", container: undefined }],
    ["demo-1.0-1.noarch.rpm", "demo", { version: "1.0-1.noarch", kind: "other", container: undefined }],
  ];
  test.each(rows)("%s", (file, project, expected) => {
    expect(parseFileName(file, project)).toEqual({ file, ...expected });
  });
});

describe("two spellings", () => {
  test.each([
    ["1.0", "1.0.1"],
    ["1.0", "1.0.post1"],
    ["1.0", "1.0rc1"],
    ["1.0", "1.0.dev0"],
    ["1.0", "1!1.0"],
    ["1.0", "1.0+local"],
    ["1.0+1e2", "1.0+100"],
    ["1.0+0x10", "1.0+16"],
    ["1.20240101123456788", "1.20240101123456789"],
    ["2005k", "2005r"],
    ["1.0-bulbasaur", "1.0-charmander"],
    ["1.0", ""],
  ])("%s and %s are two versions", (left, right) => {
    expect(sameVersion(left, right)).toBe(false);
    expect(sameVersion(right, left)).toBe(false);
  });

  test.each([
    ["1.0", "1.0.0"],
    ["v1.0", "1.0"],
    ["1.0-RC.1", "1.0rc1"],
    ["1.0-1", "1.0.post1"],
    ["1.0_1", "1.0-1"],
    ["1.0alpha", "1.0a0"],
    ["1.0+cu12_1", "1.0+cu12.1"],
    ["1.0+ubuntu.01", "1.0+UBUNTU-1"],
    ["0!1.0", "1.0"],
    ["2005k", "2005K"],
    ["1.20240101123456788", "1.20240101123456788"],
    ["0.1 bulbasaur", "0.1.bulbasaur"],
    ["0.1_bulbasaur", "0.1-bulbasaur"],
  ])("%s and %s are one version", (left, right) => {
    expect(sameVersion(left, right)).toBe(true);
  });
});
