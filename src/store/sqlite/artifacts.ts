import type Database from "better-sqlite3";

/** Packages and their archives: the numbers that listings and the journal refer to. Call within a transaction. */
export class Artifacts {
  readonly #findPackage: Database.Statement<unknown[], number>;
  readonly #addPackage: Database.Statement;
  readonly #find: Database.Statement<unknown[], number>;
  readonly #add: Database.Statement;
  readonly #addListed: Database.Statement<unknown[], number>;

  constructor(database: Database.Database) {
    this.#findPackage = database.prepare<unknown[], number>("SELECT id FROM packages WHERE repository = ? AND name = ?").pluck();
    this.#addPackage = database.prepare("INSERT INTO packages (repository, name) VALUES (?, ?)");
    this.#find = database.prepare<unknown[], number>("SELECT id FROM artifacts WHERE package_id = ? AND version = ? AND file = ?").pluck();
    this.#add = database.prepare("INSERT INTO artifacts (package_id, version, file) VALUES (?, ?, ?)");
    this.#addListed = database
      .prepare<unknown[], number>(
        `INSERT INTO artifacts (package_id, version, file, first_seen_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET first_seen_at = coalesce(first_seen_at, excluded.first_seen_at)
         RETURNING id`,
      )
      .pluck();
  }

  packageId(repository: string, name: string): number {
    return this.#findPackage.get(repository, name) ?? Number(this.#addPackage.run(repository, name).lastInsertRowid);
  }

  /** An archive, whether or not an index lists it. */
  id(packageId: number, version: string, file: string): number {
    return this.#find.get(packageId, version, file) ?? Number(this.#add.run(packageId, version, file).lastInsertRowid);
  }

  /** An archive that an index lists at `seenAt`: remembered as first seen then, unless it was seen before. */
  listedId(packageId: number, version: string, file: string, seenAt: number): number | undefined {
    return this.#addListed.get(packageId, version, file, seenAt);
  }
}
