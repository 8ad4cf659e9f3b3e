import { describe, expect, test } from "vitest";
import { sameDistribution } from "../../../src/ecosystems/pypi/distribution-name.ts";

describe("two distributions", () => {
  test.each([
    ["another project", "demo-1.0.tar.gz", "demo2-1.0.tar.gz"],
    ["another version", "demo-1.0.tar.gz", "demo-1.1.tar.gz"],
    ["a pre-release", "demo-1.0.tar.gz", "demo-1.0rc1.tar.gz"],
    ["a local version", "demo-1.0.tar.gz", "demo-1.0+x.tar.gz"],
    ["a wheel and a source distribution", "demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl"],
    ["another tag", "demo-1.0-py3-none-any.whl", "demo-1.0-py2-none-any.whl"],
    ["one tag more", "demo-1.0-py3-none-any.whl", "demo-1.0-py2.py3-none-any.whl"],
    ["tags of another place", "demo-1.0-py3-none-any.whl", "demo-1.0-none-py3-any.whl"],
    ["another platform", "demo-1.0-cp312-cp312-linux_x86_64.whl", "demo-1.0-cp312-cp312-win_amd64.whl"],
    ["a build", "demo-1.0-py3-none-any.whl", "demo-1.0-1-py3-none-any.whl"],
    ["another build", "demo-1.0-2-py3-none-any.whl", "demo-1.0-1-py3-none-any.whl"],
    ["another build text", "demo-1.0-1a-py3-none-any.whl", "demo-1.0-1b-py3-none-any.whl"],
    ["the name's last part as version", "demo-1-2.tar.gz", "demo-1.2.tar.gz"],
  ])("%s", (_what, left, right) => {
    expect(sameDistribution(left, left)).toBe(true);
    expect(sameDistribution(right, right)).toBe(true);
    expect(sameDistribution(left, right)).toBe(false);
    expect(sameDistribution(right, left)).toBe(false);
  });
});

describe("no distribution, so not even itself", () => {
  test.each([
    "foo__bar-1.0-py3-none-any.whl",
    "demo-1.0-py3-none-any.WHL",
    "demo-1.0.tgz",
    "demo-1.0.tar.bz2",
    "demo-1.0.egg",
    "demo-x.y.tar.gz",
    "demo-x.y-py3-none-any.whl",
    "demo-1.0-x1-py3-none-any.whl",
    "demo-1.0-py3-none.whl",
    "demo-1.0-1-2-py3-none-any.whl",
    "demo-1.0--none-any.whl",
    "de mo-1.0.tar.gz",
    "../demo-1.0.tar.gz",
    "demo.tar.gz",
    "-1.0.tar.gz",
    ".tar.gz",
    ".whl",
    "",
    `demo-1.0-py3-none-${"a".repeat(250)}.whl`,
  ])("%j", (file) => {
    expect(sameDistribution(file, file)).toBe(false);
  });
});

test.each([
  ["Foo.Bar-1.0.tar.gz", "foo_bar-1.0.0.zip"],
  ["foo-bar-1.0.tar.gz", "foo_bar-1.0.tar.gz"],
  ["Demo-1.0-py2.py3-none-any.whl", "demo-1.0.0-py3.py2-none-any.whl"],
  ["demo-1.0-PY3-None-Any.whl", "demo-1.0-py3-none-any.whl"],
  [
    "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "demo-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
  ],
  ["demo-1.0-01-py3-none-any.whl", "demo-1.0-1-py3-none-any.whl"],
  ["demo-1.0.dev0.tar.gz", "demo-1.0dev0.tar.gz"],
  ["demo-1.0+ubuntu_1-py3-none-any.whl", "demo-1.0+ubuntu.1-py3-none-any.whl"],
])("%s is %s", (left, right) => {
  expect(sameDistribution(left, right)).toBe(true);
  expect(sameDistribution(right, left)).toBe(true);
});
