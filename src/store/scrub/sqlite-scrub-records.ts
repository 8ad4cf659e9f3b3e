import type Database from "better-sqlite3";
import { z } from "zod";
import {
  type CheckedPage,
  type IndexFault,
  SCRUB_CHECKS,
  SCRUB_OUTCOMES,
  type ScrubCheck,
  type ScrubProgress,
  type ScrubRecords,
  type ScrubResult,
  type ScrubRun,
} from "../../core/ports/scrub-records.ts";
import { bytesSchema, jsonColumn, readRow, timeSchema } from "../sqlite/read-row.ts";
import type { Transactions } from "../sqlite/transactions.ts";
import { checkDatabase } from "./check-database.ts";
import type { StoredItems } from "./stored-items.ts";

const START: ScrubProgress = { position: "", checked: 0, bytes: 0 };

const runSchema = z.object({
  id: z.int(),
  startedAt: timeSchema,
  check: z.enum(SCRUB_CHECKS),
  progress: jsonColumn(z.object({ position: z.string(), checked: z.int(), bytes: bytesSchema })),
}) satisfies z.ZodType<ScrubRun>;

const resultSchema = z
  .object({
    at: timeSchema,
    check: z.enum(SCRUB_CHECKS),
    subject: z.string().nullable(),
    outcome: z.enum(SCRUB_OUTCOMES),
    detail: z.string(),
  })
  .transform(({ subject, ...result }): ScrubResult => ({ ...result, ...(subject === null ? {} : { subject }) }));

/** Looks through the store, in the index database and over its connection. */
export class SqliteScrubRecords implements ScrubRecords {
  readonly #path: string;
  readonly #transactions: Transactions;
  readonly #items: StoredItems;
  readonly #unfinished: Database.Statement;
  readonly #start: Database.Statement;
  readonly #advance: Database.Statement;
  readonly #finish: Database.Statement;
  readonly #lastFinished: Database.Statement<[], number>;
  readonly #add: Database.Statement;
  readonly #results: Database.Statement;

  constructor(database: Database.Database, transactions: Transactions, items: StoredItems) {
    this.#path = database.name;
    this.#transactions = transactions;
    this.#items = items;
    this.#unfinished = database.prepare(
      `SELECT id, started_at AS startedAt, check_name AS "check", position AS progress FROM scrub_runs WHERE finished_at IS NULL ORDER BY id DESC LIMIT 1`,
    );
    this.#start = database.prepare("INSERT INTO scrub_runs (started_at, check_name, position) VALUES (?, ?, ?)");
    this.#advance = database.prepare("UPDATE scrub_runs SET check_name = ?, position = ? WHERE id = ?");
    this.#finish = database.prepare("UPDATE scrub_runs SET finished_at = ? WHERE id = ?");
    this.#lastFinished = database.prepare<[], number>("SELECT max(finished_at) FROM scrub_runs WHERE finished_at IS NOT NULL").pluck();
    this.#add = database.prepare("INSERT INTO scrub_results (run_id, at, check_name, subject, outcome, detail) VALUES (?, ?, ?, ?, ?, ?)");
    this.#results = database.prepare(
      `SELECT at, check_name AS "check", subject, outcome, detail FROM scrub_results WHERE run_id = ? ORDER BY id`,
    );
  }

  async begin(now: number): Promise<ScrubRun> {
    return this.#transactions.write(() => {
      if (this.#unfinished.get() === undefined) this.#start.run(now, SCRUB_CHECKS[0], JSON.stringify(START));
      return readRow(runSchema, this.#unfinished.get(), "a look through the store");
    });
  }

  /** Not synced: after a power cut a little is looked at twice. */
  async advance(runId: number, check: ScrubCheck, progress: ScrubProgress): Promise<void> {
    this.#transactions.writeUnsynced(() => this.#advance.run(check, JSON.stringify(progress), runId));
  }

  async add(runId: number, { at, check, subject, outcome, detail }: ScrubResult): Promise<void> {
    this.#transactions.write(() => this.#add.run(runId, at, check, subject ?? null, outcome, detail));
  }

  async results(runId: number): Promise<readonly ScrubResult[]> {
    return this.#transactions.read(() =>
      this.#results.all(runId).map((row) => readRow(resultSchema, row, "what a look through the store found")),
    );
  }

  async finish(runId: number, now: number): Promise<void> {
    this.#transactions.write(() => this.#finish.run(now, runId));
  }

  async lastFinishedAt(): Promise<number | undefined> {
    return this.#transactions.read(() => this.#lastFinished.get() ?? undefined);
  }

  checkDatabase(): Promise<readonly IndexFault[]> {
    return checkDatabase(this.#path);
  }

  async checkPage(check: Exclude<ScrubCheck, "database" | "archives">, position: string): Promise<CheckedPage> {
    switch (check) {
      case "documents":
        return this.#items.documentsFrom(position);
      case "journal":
        return this.#transactions.read(() => this.#items.journalFrom(position));
      case "decisions":
        return this.#transactions.read(() => this.#items.decisionsFrom(position));
      default:
        return check satisfies never;
    }
  }

  async dropDocument(document: number): Promise<void> {
    this.#transactions.write(() => this.#items.dropDocument(document));
  }
}
