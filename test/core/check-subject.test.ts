import { describe, expect, test } from "vitest";
import { checkSubject } from "../../src/core/check-subject.ts";
import type { StatementSubject } from "../../src/core/statement.ts";
import { statementOf } from "../verify/provenance/statements.ts";

const NAME = "tool-1.3.0.aam";
const digests = { sha256: "ab".repeat(32), sha512: "cd".repeat(64), sha1: "ef".repeat(20) };
const other = { sha256: "00".repeat(32), sha512: "11".repeat(64), sha1: "22".repeat(20) };

function check(subjects: readonly StatementSubject[], single = false) {
  return checkSubject(statementOf("uaaps", {}, { subjects }), { digests, nameMatches: (name) => name === NAME, single });
}

const good = { name: NAME, digest: { sha256: digests.sha256 } };

describe("a statement that is not about this archive", () => {
  test.each<[string, StatementSubject[]]>([
    ["no subject", []],
    ["another digest", [{ name: NAME, digest: { sha256: other.sha256 } }]],
    ["another name", [{ name: "tool-1.4.0.aam", digest: { sha256: other.sha256 } }]],
    ["the digest under another name", [{ name: "other-1.3.0.aam", digest: { sha256: digests.sha256 } }]],
    [
      "the name with another's digest, and the digest under another name",
      [
        { ...good, digest: { sha256: other.sha256 } },
        { ...good, name: "x" },
      ],
    ],
    ["the name twice", [good, { name: NAME, digest: { sha256: other.sha256 } }]],
    ["the name twice with the right digest", [good, good]],
    ["one right digest and one wrong", [{ name: NAME, digest: { sha256: digests.sha256, sha512: other.sha512 } }]],
    ["one right digest and one wrong weak one", [{ name: NAME, digest: { sha256: digests.sha256, sha1: other.sha1 } }]],
    ["no digest", [{ name: NAME, digest: {} }]],
    ["only SHA-1", [{ name: NAME, digest: { sha1: digests.sha1 } }]],
    ["only a digest that was not computed", [{ name: NAME, digest: { sha384: "ab".repeat(48) } }]],
    ["only an unknown algorithm", [{ name: NAME, digest: { gitCommit: digests.sha1 } }]],
    ["only an algorithm called like a property of every object", [{ name: NAME, digest: { constructor: "x" } }]],
    ["an empty digest", [{ name: NAME, digest: { sha256: "" } }]],
  ])("%s", (_what, subjects) => {
    expect(check(subjects)).toMatchObject({ ok: false, finding: { code: "SUBJECT_MISMATCH" } });
  });

  test("two subjects where one is all there may be", () => {
    expect(check([good, { name: "x", digest: { sha256: other.sha256 } }], true)).toMatchObject({
      ok: false,
      finding: { code: "SUBJECT_MISMATCH" },
    });
    expect(check([good], true)).toMatchObject({ ok: true });
  });
});

test.each<[string, StatementSubject[]]>([
  ["the name and its SHA-256", [good]],
  ["every digest right", [{ name: NAME, digest: digests }]],
  ["only SHA-512", [{ name: NAME, digest: { sha512: digests.sha512 } }]],
  ["a digest that was not computed beside one that was", [{ name: NAME, digest: { sha256: digests.sha256, sha384: "ab".repeat(48) } }]],
  ["other subjects beside it", [{ name: "x", digest: { sha256: other.sha256 } }, good]],
  ["an alias with the same bytes beside it", [good, { name: "latest.aam", digest: good.digest }]],
])("a statement about this archive: %s", (_what, subjects) => {
  expect(check(subjects)).toEqual({ ok: true, value: subjects.find(({ name }) => name === NAME) });
});
