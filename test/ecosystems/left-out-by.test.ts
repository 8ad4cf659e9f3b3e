import { describe, expect, test } from "vitest";
import { lockTarget } from "../../src/cli/lock-target.ts";
import type { LockedArtifact, RunsOn } from "../../src/core/lock-file.ts";
import { parseTargetPlatform, parseTargetPython } from "../../src/core/target-platform.ts";
import { leftOutBy } from "../../src/ecosystems/left-out-by.ts";

const LINUX = "manylinux_2_28_x86_64";

function isWanted(artifact: Partial<LockedArtifact>, python: readonly string[], platform: readonly string[]): boolean {
  const entry: LockedArtifact = {
    kind: "artifact",
    at: "here",
    ecosystem: "pypi",
    name: "x",
    version: "1.0",
    file: "x-1.0.tar.gz",
    pins: [{ algorithm: "sha256", hex: "00", claimedBy: "a test" }],
    ...artifact,
  };
  return leftOutBy(entry, lockTarget({ python, platform })) === undefined;
}

const wheel = (tags: string, python: readonly string[], platform: readonly string[]) =>
  isWanted({ file: `x-1.0-${tags}.whl` }, python, platform);

describe("wheels", () => {
  test.each([
    ["cp312-cp312-manylinux_2_17_x86_64", true],
    ["cp312-cp312-manylinux2014_x86_64.manylinux_2_31_x86_64", true],
    ["cp312-cp312-manylinux_2_28_x86_64", true],
    ["cp312-cp312-manylinux_2_29_x86_64", false],
    ["cp312-cp312-manylinux_3_0_x86_64", false],
    ["cp312-cp312-manylinux1_x86_64", true],
    ["cp312-cp312-linux_x86_64", true],
    ["cp312-cp312-manylinux_2_17_aarch64", false],
    ["cp312-cp312-musllinux_1_2_x86_64", false],
    ["cp312-cp312-win_amd64", false],
    ["cp312-cp312-macosx_11_0_x86_64", false],
    ["cp311-cp311-manylinux_2_17_x86_64", false],
    ["cp312-cp312t-manylinux_2_17_x86_64", false],
    ["cp39-abi3-manylinux_2_17_x86_64", true],
    ["cp313-abi3-manylinux_2_17_x86_64", false],
    ["pp310-pypy310_pp73-manylinux_2_17_x86_64", false],
    ["py3-none-any", true],
    ["py2.py3-none-any", true],
    ["py2-none-any", false],
    ["py38-none-any", true],
    ["py313-none-any", false],
    ["cp312-none-any", true],
    ["cp311-none-any", false],
    ["py3-none-manylinux_2_17_x86_64", true],
    ["1-py3-none-any", true],
  ])("%s on Python 3.12 and glibc 2.28: %s", (tags, expected) => {
    expect(wheel(tags, ["3.12"], [LINUX])).toBe(expected);
  });

  test.each([
    ["macosx_11_0_arm64", "macosx_14_0_arm64", true],
    ["macosx_15_0_arm64", "macosx_14_0_arm64", false],
    ["macosx_10_9_universal2", "macosx_14_0_arm64", true],
    ["macosx_10_9_intel", "macosx_14_0_arm64", false],
    ["macosx_10_9_intel", "macosx_14_0_x86_64", true],
    ["win_amd64", "win_amd64", true],
    ["win32", "win_amd64", false],
    ["musllinux_1_1_x86_64", "musllinux_1_2_x86_64", true],
    ["musllinux_1_3_x86_64", "musllinux_1_2_x86_64", false],
    ["linux_x86_64", "musllinux_1_2_x86_64", false],
  ])("%s on %s: %s", (tag, platform, expected) => {
    expect(wheel(`cp312-cp312-${tag}`, [], [platform])).toBe(expected);
  });

  test("a Python without a global lock takes its own wheels and those for any Python", () => {
    expect(wheel("cp313-cp313t-win_amd64", ["3.13t"], [])).toBe(true);
    expect(wheel("cp313-cp313-win_amd64", ["3.13t"], [])).toBe(false);
    expect(wheel("cp39-abi3-win_amd64", ["3.13t"], [])).toBe(false);
    expect(wheel("py3-none-any", ["3.13t"], [])).toBe(true);
  });

  test("one of several machines is enough; with none named all are wanted; sources always are", () => {
    expect(wheel("cp311-cp311-win_amd64", ["3.12", "3.11"], [LINUX, "win_amd64"])).toBe(true);
    expect(wheel("pp310-pypy310_pp73-anything_at_all", [], [])).toBe(true);
    expect(isWanted({ file: "x-1.0.tar.gz" }, ["3.12"], [LINUX])).toBe(true);
  });
});

describe("npm packages", () => {
  const npm = (runsOn: RunsOn | undefined, ...platform: readonly string[]) =>
    isWanted({ ecosystem: "npm", file: "x-1.0.0.tgz", ...(runsOn ? { runsOn } : {}) }, ["3.12"], platform);

  test.each([
    [{ os: ["linux"], cpu: ["x64"] }, true],
    [{ os: ["darwin"] }, false],
    [{ os: ["!win32"] }, true],
    [{ os: ["!linux"] }, false],
    [{ cpu: ["arm64", "x64"] }, true],
    [{ cpu: ["ia32"] }, false],
    [{ os: ["any"] }, true],
    [{ os: [] }, true],
    [{ libc: ["musl"] }, false],
    [{ libc: ["glibc"] }, true],
    [undefined, true],
  ] as const)("%o on Linux with glibc: %s", (runsOn, expected) => {
    expect(npm(runsOn, LINUX)).toBe(expected);
  });

  test("machines by the names that wheels give them", () => {
    expect(npm({ os: ["darwin"], cpu: ["arm64"] }, "macosx_14_0_arm64")).toBe(true);
    expect(npm({ os: ["win32"], cpu: ["ia32"] }, "win32")).toBe(true);
    expect(npm({ os: ["linux"], cpu: ["arm64"], libc: ["musl"] }, "musllinux_1_2_aarch64")).toBe(true);
    expect(npm({ os: ["aix"] })).toBe(true);
  });
});

test.each(["linux_x86_64", "manylinux", "manylinux_2_x86_64", "macosx_14_arm64", "any", "", "manylinux_2_28_x86_64 "])(
  "%o is no platform",
  (text) => {
    expect(parseTargetPlatform(text)).toBeUndefined();
  },
);
test.each(["3", "2.7", "3.x", "3.120", "cp312", "3.12.1", ""])("%o is no Python", (text) => {
  expect(parseTargetPython(text)).toBeUndefined();
});
