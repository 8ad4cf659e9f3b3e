import { join } from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import { AssayError } from "../../core/errors.ts";
import type { DecisionTree, KeptDecision } from "../../core/ports/decision-tree.ts";
import { type Checkpoint, parseCheckpoint } from "../../core/tlog/checkpoint.ts";
import { inclusionPath, rootOf } from "../../core/tlog/merkle-tree.ts";
import { DecisionHashes } from "../sqlite/decision-hashes.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { readRow } from "../sqlite/read-row.ts";
import { Transactions } from "../sqlite/transactions.ts";
import { CheckpointFile } from "./checkpoint-file.ts";

const rowSchema = z.object({
  position: z.int(),
  text: z.string(),
  repository: z.string(),
  ecosystem: z.string(),
  name: z.string(),
  version: z.string(),
  file: z.string(),
  outcome: z.string(),
  decidedAt: z.int(),
});

/** The hash tree in the index's database, through a connection of its own. */
export class SqliteDecisionTree implements DecisionTree {
  readonly #database: Database.Database;
  readonly #transactions: Transactions;
  readonly #hashes: DecisionHashes;
  readonly #file: CheckpointFile;

  private constructor(database: Database.Database, file: CheckpointFile) {
    this.#database = database;
    this.#transactions = new Transactions(database, "the decision log");
    this.#hashes = new DecisionHashes(database);
    this.#file = file;
  }

  /** Of a data folder that is there. Throws what `openDatabase` throws. */
  static async open({ dataDir }: { readonly dataDir: string }): Promise<SqliteDecisionTree> {
    return new SqliteDecisionTree(await openDatabase(join(dataDir, "assay.db")), new CheckpointFile(dataDir));
  }

  async size(): Promise<number> {
    return this.#transactions.read(() => this.#hashes.size());
  }

  async root(size: number): Promise<Buffer> {
    return this.#transactions.read(() => rootOf(size, this.#hashes.find));
  }

  async path(position: number, size: number): Promise<readonly Buffer[]> {
    return this.#transactions.read(() => inclusionPath(position, size, this.#hashes.find));
  }

  async hashes(level: number, from: number, count: number): Promise<readonly Buffer[]> {
    return this.#transactions.read(() => this.#hashes.range(level, from, count));
  }

  async entries(from: number, count: number): Promise<readonly KeptDecision[]> {
    const rows = this.#transactions.read(() =>
      this.#database
        .prepare(
          `SELECT d.position, d.entry AS text, p.repository, d.ecosystem, p.name, a.version, a.file, d.outcome, d.decided_at AS decidedAt
           FROM decisions d JOIN artifacts a ON a.id = d.artifact_id JOIN packages p ON p.id = a.package_id
           WHERE d.position >= ? ORDER BY d.position LIMIT ?`,
        )
        .all(from, count),
    );
    return rows.map((row) => readRow(rowSchema, row, "an entry of the decision log"));
  }

  async newestCheckpoint(): Promise<Checkpoint | undefined> {
    return this.#transactions.read(() => this.#newest());
  }

  async checkpoints(from: number, to: number): Promise<readonly string[]> {
    const find = () =>
      this.#database
        .prepare<unknown[], string>("SELECT note FROM decision_checkpoints WHERE size >= ? AND size < ? ORDER BY size, id")
        .pluck()
        .all(from, to);
    return this.#transactions.read(find);
  }

  async keep(checkpoint: Checkpoint): Promise<Checkpoint> {
    // The file is written within the transaction, which keeps other processes from putting an older one in its place.
    return this.#transactions.write(() => {
      const newest = this.#newest();
      if (newest && (newest.size > checkpoint.size || newest.note === checkpoint.note)) return newest;
      this.#database.prepare("INSERT INTO decision_checkpoints (size, note) VALUES (?, ?)").run(checkpoint.size, checkpoint.note);
      this.#file.write(checkpoint.note);
      return checkpoint;
    });
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #newest(): Checkpoint | undefined {
    const note = this.#database
      .prepare<unknown[], string>("SELECT note FROM decision_checkpoints ORDER BY size DESC, id DESC LIMIT 1")
      .pluck()
      .get();
    const inIndex = note === undefined ? undefined : parsed(note, "the index");
    const beside = this.#file.read();
    const inFile = beside === undefined ? undefined : parsed(beside, "log-checkpoint of the data folder");
    return inIndex && (!inFile || inFile.size <= inIndex.size) ? inIndex : inFile;
  }
}

function parsed(note: string, where: string): Checkpoint {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint) return checkpoint;
  throw new AssayError("STORE_CORRUPT", `the newest checkpoint of the decision log in ${where} is none`, {
    help: "`assay log verify` says what else differs; restore the data folder from a backup",
  });
}
