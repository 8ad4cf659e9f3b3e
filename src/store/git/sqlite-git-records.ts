import { join } from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import { type ObjectId, parseObjectId, parseRefName, type RefName } from "../../core/git.ts";
import { GIT_CHANGES, type GitRecords, type GitRefChange, type GitRepositoryRecord } from "../../core/ports/git.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { readRow, timeSchema } from "../sqlite/read-row.ts";
import { Transactions } from "../sqlite/transactions.ts";

const objectId = z.string().transform((text, context): ObjectId => parseObjectId(text) ?? malformed(context));
const refName = z.string().transform((text, context): RefName => parseRefName(text) ?? malformed(context));
const repositoryRow = z.object({ id: z.int(), head: refName.nullable(), checkedAt: timeSchema });
const refRow = z.object({ ref: refName, object: objectId.nullable(), upstream: objectId.nullable() });
const changeRow = z.object({
  ref: refName,
  kind: z.enum(GIT_CHANGES),
  before: objectId.nullable(),
  after: objectId.nullable(),
  at: timeSchema,
});

/** The record of git refs in the index's database, through a connection of its own. */
export class SqliteGitRecords implements GitRecords {
  readonly #database: Database.Database;
  readonly #transactions: Transactions;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#transactions = new Transactions(database, "the record of git refs");
  }

  /** The data folder must exist. Throws what `openDatabase` throws. */
  static async open({ dataDir }: { readonly dataDir: string }): Promise<SqliteGitRecords> {
    return new SqliteGitRecords(await openDatabase(join(dataDir, "assay.db")));
  }

  async find(repository: string): Promise<GitRepositoryRecord | undefined> {
    const what = `the git repository ${repository}`;
    return this.#transactions.read(() => {
      const row = this.#database.prepare("SELECT id, head, checked_at AS checkedAt FROM git_repositories WHERE name = ?").get(repository);
      if (row === undefined) return undefined;
      const { id, head, checkedAt } = readRow(repositoryRow, row, what);
      const refs = this.#database.prepare("SELECT ref, object, upstream FROM git_refs WHERE repository_id = ? ORDER BY ref").all(id);
      return { head: head ?? undefined, checkedAt, refs: refs.map((ref) => readRow(refRow, ref, what)) };
    });
  }

  async put(repository: string, record: GitRepositoryRecord, changes: readonly GitRefChange[]): Promise<void> {
    this.#transactions.write(() => {
      const id = this.#database
        .prepare<unknown[], number>(
          `INSERT INTO git_repositories (name, head, checked_at) VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET head = excluded.head, checked_at = excluded.checked_at RETURNING id`,
        )
        .pluck()
        .get(repository, record.head ?? null, record.checkedAt);
      this.#database.prepare("DELETE FROM git_refs WHERE repository_id = ?").run(id);
      const addRef = this.#database.prepare("INSERT INTO git_refs (repository_id, ref, object, upstream) VALUES (?, ?, ?, ?)");
      for (const { ref, object, upstream } of record.refs) addRef.run(id, ref, object, upstream);
      const addChange = this.#database.prepare(
        "INSERT INTO git_ref_changes (repository_id, ref, kind, before, after, at) VALUES (?, ?, ?, ?, ?, ?)",
      );
      for (const { ref, kind, before, after, at } of changes) addChange.run(id, ref, kind, before, after, at);
    });
  }

  async touch(repository: string, checkedAt: number): Promise<void> {
    this.#transactions.write(() =>
      this.#database.prepare("UPDATE git_repositories SET checked_at = ? WHERE name = ?").run(checkedAt, repository),
    );
  }

  async changes(repository: string, limit: number): Promise<readonly GitRefChange[]> {
    const rows = this.#transactions.read(() =>
      this.#database
        .prepare(
          `SELECT c.ref, c.kind, c.before, c.after, c.at FROM git_ref_changes c JOIN git_repositories r ON r.id = c.repository_id
           WHERE r.name = ? ORDER BY c.id DESC LIMIT ?`,
        )
        .all(repository, limit),
    );
    return rows.map((row) => readRow(changeRow, row, `a change in the git repository ${repository}`));
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

function malformed(context: z.RefinementCtx): never {
  context.addIssue({ code: "custom", message: "no git object or ref" });
  return z.NEVER;
}
