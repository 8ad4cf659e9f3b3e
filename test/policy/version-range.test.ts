import { describe, expect, test } from "vitest";
import type { EcosystemId } from "../../src/core/artifact.ts";
import type { VersionRange } from "../../src/core/policy.ts";
import { inRange, MAX_CONSTRAINTS, MAX_RANGE_CHARACTERS, parseVersionRange } from "../../src/policy/version-range.ts";
import { Random } from "../support/random.ts";

function range(text: string, ecosystem: EcosystemId = "npm"): VersionRange {
  const parsed = parseVersionRange(text, ecosystem);
  if (!parsed.ok) throw new Error(`${text}: expected ${parsed.expected}`);
  return parsed.value;
}

describe("what is no range", () => {
  test.each([
    { text: "", says: "a version range such as" },
    { text: ">=1", says: "a version range such as" },
    { text: "vers:npm", says: "a version range such as" },
    { text: "vers:npm/", says: "a SemVer version after each of" },
    { text: "vers:npm/>=", says: "a SemVer version after each of" },
    { text: "vers:npm/^1.0.0", says: "a SemVer version after each of" },
    { text: "vers:npm/1.0.0||2.0.0", says: "a SemVer version after each of" },
    { text: "vers:npm/%zz", says: "a SemVer version after each of" },
    { text: "vers:npm/*|1.0.0", says: "* only by itself" },
    { text: "vers:npm/>*", says: "* only by itself" },
    { text: "vers:npm/1.0.0|1.0.0", says: "each version once" },
    { text: "vers:npm/>=1.0.0|!=1", says: "each version once" },
    { text: "vers:npm/>1|>2", says: "lower and upper bounds in turn" },
    { text: "vers:npm/>=1|<2|<=3", says: "lower and upper bounds in turn" },
    { text: "vers:pypi/1.0", says: "a version range for npm: vers:npm/ or vers:semver/" },
    { text: "vers:nmp/1.0", says: "did you mean npm?" },
    {
      text: `vers:npm/${Array.from({ length: MAX_CONSTRAINTS + 1 }, (_, i) => i).join("|")}`,
      says: `at most ${MAX_CONSTRAINTS} constraints`,
    },
    { text: `vers:npm/${" ".repeat(MAX_RANGE_CHARACTERS)}1`, says: `at most ${MAX_RANGE_CHARACTERS} characters` },
  ])("$text", ({ text, says }) => {
    expect(parseVersionRange(text, "npm")).toMatchObject({ ok: false, expected: expect.stringContaining(says) });
  });

  test(`${MAX_CONSTRAINTS} constraints are read`, () => {
    expect(parseVersionRange(`vers:npm/${Array.from({ length: MAX_CONSTRAINTS }, (_, i) => i).join("|")}`, "npm").ok).toBe(true);
  });
});

test.each([
  { text: "vers:npm/>=1.0.0|<2", version: "2.0.0", place: "outside" },
  { text: "vers:npm/>=1.0.0|<2", version: "0.9.9", place: "outside" },
  { text: "vers:npm/>=1.0.0|<2", version: "1.0.0-rc.1", place: "outside" },
  { text: "vers:npm/>=1.0.0|<2", version: "1.0.0", place: "inside" },
  { text: "vers:npm/>=1.0.0|<2", version: "1.99.0", place: "inside" },
  // By SemVer a pre-release of 2 is before 2. A range of npm would leave it out; one of vers does not.
  { text: "vers:npm/>=1.0.0|<2", version: "2.0.0-rc.1", place: "inside" },
  { text: "vers:npm/3.3.6", version: "3.3.6", place: "inside" },
  { text: "vers:npm/3.3.6", version: "3.3.7", place: "outside" },
  { text: "vers:npm/3.3.6", version: "v3.3.6", place: "inside" },
  { text: "vers:npm/*", version: "no version at all", place: "inside" },
  { text: "vers:npm/!=1.0.0", version: "1.0.0", place: "outside" },
  { text: "vers:npm/!=1.0.0", version: "2.0.0", place: "inside" },
  { text: "vers:npm/>=1|!=1.5.0|<2", version: "1.5.0", place: "outside" },
  { text: "vers:npm/>=1|!=1.5.0|<2", version: "1.5.1", place: "inside" },
  { text: "vers:npm/<1|>=2", version: "1.5.0", place: "outside" },
  { text: "vers:npm/<1|>=2", version: "0.1.0", place: "inside" },
  { text: "vers:npm/<1|>=2", version: "9.0.0", place: "inside" },
  { text: "vers:npm/ >= 1.0.0 | < 2 ", version: "1.5.0", place: "inside" },
  { text: "vers:npm/<2|>=1.0.0", version: "0.5.0", place: "outside" },
  { text: "vers:npm/>=1.0.0", version: "not-a-version", place: "incomparable" },
  { text: "vers:npm/>=1.0.0", version: "1.0.99999999999999999999", place: "incomparable" },
  { text: "vers:npm/1.0.0", version: "x".repeat(300), place: "incomparable" },
] as const)("$version is $place $text", ({ text, version, place }) => {
  expect(inRange(range(text), version)).toBe(place);
});

test.each([
  { text: "vers:pypi/>=1.0|<2.0", version: "1.0.0", place: "inside" },
  { text: "vers:pypi/1.0", version: "1", place: "inside" },
  { text: "vers:pypi/1.0rc1", version: "1.0-RC.1", place: "inside" },
  { text: "vers:pypi/<2.0", version: "2.0.dev1", place: "inside" },
  { text: "vers:pypi/>=2.0", version: "1!1.0", place: "inside" },
  { text: "vers:pypi/1%210.5", version: "1!0.5", place: "inside" },
  { text: "vers:pypi/>1.0", version: "1.0.post1", place: "inside" },
  { text: "vers:pypi/<2.0", version: "2004d", place: "incomparable" },
  { text: "vers:pypi/<2.0", version: "20240101123456789012", place: "incomparable" },
] as const)("$version is $place $text", ({ text, version, place }) => {
  expect(inRange(range(text, "pypi"), version)).toBe(place);
});

test("AAM versions are SemVer, under either name", () => {
  expect(inRange(range("vers:aam/>=1.0.0|<2", "aam"), "1.2.3")).toBe("inside");
  expect(inRange(range("vers:semver/>=1.0.0|<2", "aam"), "2.0.0")).toBe("outside");
});

test("3000 random ranges agree with an evaluation interval by interval", () => {
  const random = new Random(3);
  let inside = 0;
  for (let round = 0; round < 3000; round++) {
    const versions = [...new Set(Array.from({ length: 1 + random.below(5) }, () => random.below(10)))].toSorted((a, b) => a - b);
    let lower = random.below(2) === 0;
    const constraints = versions.map((version) => {
      const comparator = random.pick(["=", "!=", "bound", "bound"]);
      if (comparator !== "bound") return { comparator, version };
      lower = !lower;
      return { comparator: lower ? random.pick([">", ">="]) : random.pick(["<", "<="]), version };
    });
    const text = `vers:npm/${constraints
      .map(({ comparator, version }) => `${comparator}${version}.0.0`)
      .toSorted(() => random.below(3) - 1)
      .join("|")}`;
    for (let version = 0; version <= 9.5; version += 0.5) {
      const expected = means(constraints, version);
      const actual = inRange(range(text), `${Math.floor(version)}.${version % 1 === 0 ? 0 : 5}.0`);
      expect(actual, `${version} in ${text}`).toBe(expected ? "inside" : "outside");
      if (expected) inside++;
    }
  }
  expect(inside).toBeGreaterThan(1000);
});

/** Each lower bound opens an interval that the next upper bound closes; equalities and exclusions are added and taken out afterwards. */
function means(constraints: readonly { comparator: string; version: number }[], tested: number): boolean {
  const exact = constraints.find(({ version, comparator }) => version === tested && !["<", ">"].includes(comparator));
  if (exact) return exact.comparator !== "!=";
  if (constraints.every(({ comparator }) => comparator === "!=")) return true;
  const bounds = constraints.filter(({ comparator }) => !["=", "!="].includes(comparator));
  const intervals: [number, number][] = [];
  let open: number | undefined = bounds[0]?.comparator.startsWith("<") ? -1 : undefined;
  for (const { comparator, version } of bounds) {
    if (comparator.startsWith(">")) open = version;
    else if (open !== undefined) {
      intervals.push([open, version]);
      open = undefined;
    }
  }
  if (open !== undefined) intervals.push([open, 100]);
  return intervals.some(([from, to]) => tested > from && tested < to);
}
