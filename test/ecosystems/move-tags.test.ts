import { expect, test } from "vitest";
import { moveTags } from "../../src/ecosystems/move-tags.ts";

interface Case {
  readonly name: string;
  readonly tag?: string;
  readonly from: string;
  /** A version with a `!` is deprecated by upstream. */
  readonly open: readonly string[];
  /** Where it goes; undefined where it stays. */
  readonly to: string | undefined;
}

test.each<Case>([
  { name: "the newest that passes", from: "2.0.0", open: ["1.0.0", "1.10.0", "1.9.0"], to: "1.10.0" },
  { name: "never anything newer", from: "1.5.0", open: ["1.4.0", "1.6.0", "2.0.0"], to: "1.4.0" },
  { name: "nothing, where all that passes is newer", from: "1.0.0", open: ["1.0.1", "2.0.0"], to: undefined },
  { name: "no pre-release for a stable version", from: "2.0.0", open: ["2.0.0-rc.1", "1.0.0"], to: "1.0.0" },
  { name: "nothing, where only pre-releases pass", from: "2.0.0", open: ["2.0.0-rc.1"], to: undefined },
  { name: "an earlier pre-release of the kind", tag: "beta", from: "2.0.0-beta.10", open: ["2.0.0-beta.9", "1.0.0"], to: "2.0.0-beta.9" },
  { name: "no other kind of pre-release", tag: "next", from: "2.0.0-rc.1", open: ["2.0.0-canary.7", "1.0.0"], to: "1.0.0" },
  { name: "a kind without a dot", tag: "beta", from: "2.0.0-beta3", open: ["2.0.0-beta2", "2.0.0-alpha9"], to: "2.0.0-beta2" },
  { name: "the major that the tag is called after", tag: "v2", from: "2.0.0", open: ["1.9.0"], to: undefined },
  { name: "the same, with more to its name", tag: "next-11", from: "11.2.0", open: ["10.0.0", "11.1.0"], to: "11.1.0" },
  { name: "the minor that it is called after", tag: "release-4.2", from: "4.2.1", open: ["4.1.9"], to: undefined },
  { name: "any, where its number means something else", tag: "es2015", from: "4.2.1", open: ["3.0.0"], to: "3.0.0" },
  { name: "what upstream does not advise against", from: "2.0.0", open: ["1.9.0!", "1.8.0"], to: "1.8.0" },
  { name: "what upstream advises against, where nothing else is left", from: "2.0.0", open: ["1.9.0!", "1.8.0!"], to: "1.9.0" },
  { name: "old spellings", from: "v2.0.0", open: ["v1.0.0", "not-a-version"], to: "v1.0.0" },
  { name: "nothing, from what has no order", from: "latest-and-greatest", open: ["1.0.0"], to: undefined },
])("a tag moves to $name", ({ tag = "latest", from, open, to }) => {
  const candidates = open.map((text) => ({ version: text.replace("!", ""), deprecated: text.endsWith("!") }));
  const { tags, stuck } = moveTags(new Map([[tag, from]]), candidates, (version) => version === from);
  expect(tags.get(tag)).toBe(to ?? from);
  expect(stuck).toEqual(to === undefined ? [tag] : []);
});

test("tags that name something else stay, and so does their order", () => {
  const tags = new Map([
    ["next", "3.0.0-rc.1"],
    ["latest", "2.0.0"],
    ["constructor", "1.0.0"],
    ["dangling", "9.9.9"],
  ]);
  const moved = moveTags(tags, [{ version: "1.0.0", deprecated: false }], (version) => version === "2.0.0");
  expect([...moved.tags]).toEqual([...tags].map(([tag, version]) => [tag, tag === "latest" ? "1.0.0" : version]));
});

test("ten thousand tags cost no more than a thousand", () => {
  const versions = Array.from({ length: 10_000 }, (_, number) => `1.0.${number}`);
  const tags = new Map(versions.map((version, number) => [`tag${10_000 + number}`, version]));
  const open = [{ version: "0.9.0", deprecated: false }];
  const { tags: moved, stuck } = moveTags(tags, open, () => true);
  expect([...moved.values()].filter((version) => version === "0.9.0")).toHaveLength(1000);
  expect(stuck).toEqual([]);
});
