import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { ObjectId, RefName } from "../../../src/core/git.ts";
import type { GitRefChange, GitRepositoryRecord } from "../../../src/core/ports/git.ts";
import { SqliteGitRecords } from "../../../src/store/git/sqlite-git-records.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const NAME = "git.example/acme/tool";
const [first, second] = ["1".repeat(40), "2".repeat(40)] as [ObjectId, ObjectId];
const MAIN = "refs/heads/main" as RefName;
const GONE = "refs/tags/gone" as RefName;
const RECORD: GitRepositoryRecord = {
  head: MAIN,
  checkedAt: 10,
  refs: [
    { ref: MAIN, object: first, upstream: second },
    { ref: GONE, object: first, upstream: null },
  ],
};

async function open(dataDir: string): Promise<SqliteGitRecords> {
  const records = await SqliteGitRecords.open({ dataDir });
  onTestFinished(() => records.close());
  return records;
}

const change = (kind: GitRefChange["kind"], at: number): GitRefChange => ({ ref: MAIN, kind, before: null, after: first, at });

test("nothing is known of a repository before it is recorded", async () => {
  const records = await open(temporaryFolder());
  await records.touch(NAME, 5);
  expect(await records.find(NAME)).toBeUndefined();
  expect(await records.changes(NAME, 10)).toEqual([]);
});

test("what was recorded is there for every process, and another repository's is not", async () => {
  const dataDir = temporaryFolder();
  const [records, other] = [await open(dataDir), await open(dataDir)];
  await records.put(NAME, RECORD, [change("created", 1), change("refused", 2)]);
  expect(await other.find(NAME)).toEqual(RECORD);
  expect(await other.find("git.example/acme/tools")).toBeUndefined();
  await other.touch(NAME, 99);
  expect(await records.find(NAME)).toEqual({ ...RECORD, checkedAt: 99 });
  await records.put(NAME, { head: undefined, checkedAt: 100, refs: [] }, [change("deleted", 3)]);
  expect(await other.find(NAME)).toEqual({ head: undefined, checkedAt: 100, refs: [] });
  expect((await other.changes(NAME, 2)).map(({ kind }) => kind)).toEqual(["deleted", "refused"]);
});

test("history cannot be changed, by whatever program", async () => {
  const dataDir = temporaryFolder();
  await (await open(dataDir)).put(NAME, RECORD, [change("refused", 1)]);
  const database = new Database(join(dataDir, "assay.db"));
  onTestFinished(() => void database.close());
  expect(() => database.exec("UPDATE git_ref_changes SET kind = 'forwarded'")).toThrow("only ever added to");
  expect(() => database.exec("DELETE FROM git_ref_changes")).toThrow("only ever added to");
});

test.each([
  "UPDATE git_refs SET object = '../../x'",
  "UPDATE git_refs SET ref = 'refs/heads/--upload-pack=x y'",
  "UPDATE git_repositories SET head = 'HEAD'",
])("a damaged record is not used: %s", async (damage) => {
  const dataDir = temporaryFolder();
  const records = await open(dataDir);
  await records.put(NAME, { ...RECORD, refs: RECORD.refs.slice(0, 1) }, []);
  const database = new Database(join(dataDir, "assay.db"));
  onTestFinished(() => void database.close());
  database.exec(damage);
  await expect(records.find(NAME)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
});
