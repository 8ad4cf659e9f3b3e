import type Database from "better-sqlite3";

/** The pages of the database file that hold nothing, and how to be rid of them. Not within a transaction. */
export class IndexSpace {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  freeBytes(): number {
    return this.#number("freelist_count") * this.#number("page_size");
  }

  /** Only a database that was made so, or rewritten once, can do it bit by bit; another one answers 0. */
  shrink(maxBytes: number): number {
    const pages = Math.ceil(maxBytes / this.#number("page_size"));
    return this.#freedBy(() => void this.#database.pragma(`incremental_vacuum(${pages})`));
  }

  /** Rewrites the whole file, and makes it one that can be shrunk bit by bit. */
  rewrite(): number {
    return this.#freedBy(() => {
      this.#database.pragma("auto_vacuum = INCREMENTAL");
      this.#database.exec("VACUUM");
    });
  }

  #freedBy(work: () => void): number {
    const before = this.#number("page_count");
    work();
    // What is given back leaves the file when the log is written to it.
    this.#database.pragma("wal_checkpoint(PASSIVE)");
    return Math.max(0, before - this.#number("page_count")) * this.#number("page_size");
  }

  #number(pragma: string): number {
    return Number(this.#database.pragma(pragma, { simple: true }));
  }
}
