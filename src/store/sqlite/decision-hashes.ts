import type Database from "better-sqlite3";
import { z } from "zod";
import { AssayError } from "../../core/errors.ts";
import { HASH_BYTES, leafHash } from "../../core/tlog/hashes.ts";
import { nodesOfLeaf } from "../../core/tlog/merkle-tree.ts";
import { readRow } from "./read-row.ts";

const hashSchema = z.instanceof(Buffer).refine((hash) => hash.length === HASH_BYTES);
const entrySchema = z.object({ position: z.int().nonnegative(), entry: z.string() });

/** Entries put into the tree in one transaction, of those that are not in it yet: 64 MiB at most are in memory. */
const PAGE_ENTRIES = 1000;

/** The hash tree over the decision log, as it is kept. */
export class DecisionHashes {
  readonly #database: Database.Database;
  readonly #leaves: Database.Statement<unknown[], number>;
  readonly #find: Database.Statement<unknown[], unknown>;
  readonly #range: Database.Statement<unknown[], unknown>;
  readonly #add: Database.Statement;
  readonly #missing: Database.Statement;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#leaves = database.prepare<unknown[], number>("SELECT coalesce(max(number), -1) + 1 FROM decision_hashes WHERE level = 0").pluck();
    this.#find = database.prepare<unknown[], unknown>("SELECT hash FROM decision_hashes WHERE level = ? AND number = ?").pluck();
    this.#range = database
      .prepare<unknown[], unknown>("SELECT hash FROM decision_hashes WHERE level = ? AND number >= ? AND number < ? ORDER BY number")
      .pluck();
    this.#add = database.prepare("INSERT INTO decision_hashes (level, number, hash) VALUES (?, ?, ?)");
    this.#missing = database.prepare("SELECT position, entry FROM decisions WHERE position >= ? ORDER BY position LIMIT ?");
  }

  /** Entries that are in the tree. */
  size(): number {
    return this.#leaves.get() ?? 0;
  }

  readonly find = (level: number, number: number): Buffer =>
    readRow(hashSchema, this.#find.get(level, number), `the hash tree of the decision log: hash ${number} of level ${level}`);

  /** Those of one level from number `from` on, at most `count`. */
  range(level: number, from: number, count: number): readonly Buffer[] {
    return this.#range.all(level, from, from + count).map((row) => readRow(hashSchema, row, "the hash tree of the decision log"));
  }

  /** Call within the transaction that adds the entry, before it does. An older Assay that writes to the same log knows no tree: what it left out is put in first. */
  add(position: number, text: string): void {
    while (this.size() < position) this.#addMissing();
    if (this.size() > position) throw unlike(position, this.size());
    this.#addLeaf(position, text);
  }

  /** Puts in what is in the log and not in the tree: all that was decided before there was one. */
  catchUp(): void {
    const addMissing = this.#database.transaction(() => this.#addMissing());
    while (this.#missing.get(this.size(), 1) !== undefined) addMissing.immediate();
  }

  #addMissing(): void {
    const from = this.size();
    const rows = this.#missing.all(from, PAGE_ENTRIES).map((row) => readRow(entrySchema, row, "an entry of the decision log"));
    if (rows.length === 0) throw unlike(from + 1, from);
    for (const [index, { position, entry }] of rows.entries()) {
      if (position !== from + index) throw unlike(position, from + index);
      this.#addLeaf(position, entry);
    }
  }

  #addLeaf(position: number, text: string): void {
    for (const { level, number, hash } of nodesOfLeaf(position, leafHash(text), this.find)) this.#add.run(level, number, hash);
  }
}

function unlike(position: number, size: number): AssayError {
  return new AssayError("STORE_CORRUPT", `the decision log goes on at position ${position}, but its hash tree has ${size} entries`, {
    help: "somebody changed assay.db: `assay log verify` says what differs",
  });
}
