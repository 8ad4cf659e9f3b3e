import { expect, test } from "vitest";
import { compareVersions, pep440Key } from "../../src/policy/compare-versions.ts";

const SPELLINGS = ["1", "1.0", "1.0.0", "v1", "1.0rc1", "1.0-RC.1", "1.0c1", "1.0.post1", "1.0-1", "1.0.dev0", "1.0dev", "1!1.0", "0!1"];
const LOCAL = ["1.0+a.1", "1.0+A-01", "1.0+a_1", "1.0+1", "1.0+01"];

test("two spellings have one key where PEP 440 takes them for one version, and only there", () => {
  for (const left of [...SPELLINGS, ...LOCAL]) {
    for (const right of [...SPELLINGS, ...LOCAL]) {
      expect(pep440Key(left) === pep440Key(right), `${left} and ${right}`).toBe(compareVersions("pypi", left, right) === 0);
    }
  }
});

test.each(["2004d", "", "1.0.99999999999999999999", "1".repeat(300)])("%j has none: it is no version that can be compared", (text) => {
  expect(pep440Key(text)).toBeUndefined();
});

test("an order stays the same when it is asked for again, of versions and of what is none", () => {
  for (const _ of ["parsed", "remembered"]) {
    expect(compareVersions("npm", "1.10.0", "1.9.0")).toBe(1);
    expect(compareVersions("npm", "v1.0.0", "1.0.0")).toBe(0);
    expect(compareVersions("aam", "1.0.0-beta", "1.0.0")).toBe(-1);
    expect(compareVersions("npm", "1.0.0", "one")).toBeUndefined();
    expect(compareVersions("npm", "1.0.9999999999999999", "1.0.0")).toBeUndefined();
  }
});
