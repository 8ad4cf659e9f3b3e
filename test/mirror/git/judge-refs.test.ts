import { describe, expect, test } from "vitest";
import type { ObjectId, RefName } from "../../../src/core/git.ts";
import type { GitRefRecord } from "../../../src/core/ports/git.ts";
import { judgeRefs, type OnRewrite } from "../../../src/mirror/git/judge-refs.ts";
import { pinnedRefs } from "../../../src/mirror/git/pinned-refs.ts";

/** Later commits descend from earlier ones; `other` from none. */
const [first, second, other] = ["1", "2", "f"].map((digit) => digit.repeat(40)) as [ObjectId, ObjectId, ObjectId];
const MAIN = "refs/heads/main" as RefName;
const TAG = "refs/tags/v1" as RefName;
const BELOW = "refs/heads/main/topic" as RefName;

const descends = async (commit: ObjectId, ancestor: ObjectId): Promise<boolean> =>
  commit !== other && ancestor !== other && commit >= ancestor;

function judge(known: readonly GitRefRecord[], offered: readonly (readonly [RefName, ObjectId])[], onRewrite: OnRewrite = "refuse") {
  return judgeRefs(known, new Map(offered), { onRewrite, descends, now: 5 });
}

const record = (ref: RefName, object: ObjectId | null, upstream: ObjectId | null = object): GitRefRecord => ({ ref, object, upstream });

describe("rewritten history", () => {
  test.each([
    { name: "a branch that lost a commit", ref: MAIN, from: second, to: first },
    { name: "a branch with another history", ref: MAIN, from: first, to: other },
    { name: "a tag that moved forward", ref: TAG, from: first, to: second },
    { name: "a tag that moved elsewhere", ref: TAG, from: first, to: other },
  ])("$name is refused, or taken where the operator wants only to be warned", async ({ ref, from, to }) => {
    expect(await judge([record(ref, from)], [[ref, to]])).toEqual({
      refs: [record(ref, from, to)],
      changes: [{ ref, kind: "refused", before: from, after: to, at: 5 }],
    });
    expect(await judge([record(ref, from)], [[ref, to]], "warn")).toEqual({
      refs: [record(ref, to)],
      changes: [{ ref, kind: "rewritten", before: from, after: to, at: 5 }],
    });
  });

  test("is told once, and taken later where the operator comes to want that", async () => {
    expect((await judge([record(MAIN, first, other)], [[MAIN, other]])).changes).toEqual([]);
    expect(await judge([record(MAIN, first, other)], [[MAIN, other]], "warn")).toEqual({
      refs: [record(MAIN, other)],
      changes: [{ ref: MAIN, kind: "rewritten", before: first, after: other, at: 5 }],
    });
  });

  test("that goes on from what was refused is refused again; what goes on from what is served is taken", async () => {
    expect((await judge([record(MAIN, second, first)], [[MAIN, other]])).refs).toEqual([record(MAIN, second, other)]);
    expect((await judge([record(MAIN, first, other)], [[MAIN, second]])).refs).toEqual([record(MAIN, second)]);
  });

  test("is not got by deleting a ref and making it again", async () => {
    const deleted = await judge([record(MAIN, second)], []);
    expect(deleted).toEqual({
      refs: [record(MAIN, second, null)],
      changes: [{ ref: MAIN, kind: "deleted", before: second, after: null, at: 5 }],
    });
    expect((await judge(deleted.refs, [[MAIN, other]])).refs).toEqual([record(MAIN, second, other)]);
    expect((await judge(deleted.refs, [])).changes).toEqual([]);
  });
});

describe("two names that git cannot have together", () => {
  test("the one that is served stays, and the new one is not served", async () => {
    const { refs, changes } = await judge([record(MAIN, first)], [[BELOW, first]]);
    expect(refs).toEqual([record(MAIN, first, null), record(BELOW, null, first)]);
    expect(changes.map(({ ref, kind }) => [ref, kind])).toEqual([
      [MAIN, "deleted"],
      [BELOW, "refused"],
    ]);
    expect((await judge(refs, [[BELOW, first]])).changes).toEqual([]);
  });

  test.each([
    { held: MAIN, offered: BELOW },
    { held: BELOW, offered: MAIN },
  ])("$held gives way to $offered where rewrites are taken", async ({ held, offered }) => {
    const { refs, changes } = await judge([record(held, first)], [[offered, second]], "warn");
    expect(refs).toEqual([record(offered, second)]);
    expect(changes.map(({ kind }) => kind)).toEqual(["deleted", "displaced", "created"]);
  });
});

test("new refs and forward moves are taken", async () => {
  const { refs, changes } = await judge(
    [record(MAIN, first)],
    [
      [MAIN, second],
      [TAG, first],
    ],
  );
  expect(refs).toEqual([record(MAIN, second), record(TAG, first)]);
  expect(changes.map(({ kind }) => kind)).toEqual(["forwarded", "created"]);
});

describe("pins", () => {
  const served = (records: readonly GitRefRecord[], pins: readonly { ref: string; commit: ObjectId }[]) =>
    [
      ...pinnedRefs(
        { head: MAIN, refs: records },
        pins.map((pin) => ({ repository: "x", ...pin })),
      ).refs,
    ].toSorted();

  test.each([
    { name: "a branch that upstream moved", records: [record(MAIN, second)], ref: "main", want: [[MAIN, first]] },
    { name: "a branch that upstream never had", records: [], ref: "main", want: [[MAIN, first]] },
    {
      name: "the tag of a short name as well",
      records: [record(TAG, other)],
      ref: "v1",
      want: [
        ["refs/heads/v1", first],
        [TAG, first],
      ],
    },
    { name: "a tag alone", records: [record(TAG, other)], ref: "refs/tags/v1", want: [[TAG, first]] },
    { name: "a name with others below it, which give way", records: [record(BELOW, other)], ref: "main", want: [[MAIN, first]] },
    { name: "a name below another, which gives way", records: [record(MAIN, other)], ref: "main/topic", want: [[BELOW, first]] },
  ])("$name", ({ records, ref, want }) => {
    expect(served(records, [{ ref, commit: first }])).toEqual(want);
  });
});
