import type Database from "better-sqlite3";
import { AssayError } from "../../core/errors.ts";
import { sqliteError } from "./sqlite-error.ts";

/** Runs work on a database, and says in our own codes how it failed. `what` completes "read …" and "write to …". */
export class Transactions {
  readonly #database: Database.Database;
  readonly #what: string;

  constructor(database: Database.Database, what: string) {
    this.#database = database;
    this.#what = what;
  }

  read<T>(work: () => T): T {
    this.#mustBeOpen();
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, `read ${this.#what}`);
    }
  }

  /** One transaction that locks out other writers from its start. */
  write<T>(work: () => T): T {
    this.#mustBeOpen();
    try {
      return this.#database.transaction(work).immediate();
    } catch (error) {
      throw sqliteError(error, `write to ${this.#what}`);
    }
  }

  /** For what is worth nothing after a power cut: saves a wait for the disk. The log stays in order, so nothing else is at risk. */
  writeUnsynced<T>(work: () => T): T {
    this.#mustBeOpen();
    this.#database.pragma("synchronous = NORMAL");
    try {
      return this.write(work);
    } finally {
      this.#database.pragma("synchronous = FULL");
    }
  }

  #mustBeOpen(): void {
    if (!this.#database.open) throw new AssayError("STORE_IO", `${this.#what} is closed`);
  }
}
