import type Database from "better-sqlite3";

/** A table of names that other tables refer to by number. */
export class Names {
  readonly #find: Database.Statement<unknown[], number>;
  readonly #add: Database.Statement;

  constructor(database: Database.Database, table: "upstreams" | "claimants") {
    this.#find = database.prepare<unknown[], number>(`SELECT id FROM ${table} WHERE name = ?`).pluck();
    this.#add = database.prepare(`INSERT INTO ${table} (name) VALUES (?)`);
  }

  /** The number of a name, added where it is new. Call within a transaction. */
  idOf(name: string): number {
    return this.#find.get(name) ?? Number(this.#add.run(name).lastInsertRowid);
  }
}
