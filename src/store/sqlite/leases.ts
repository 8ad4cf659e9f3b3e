import type Database from "better-sqlite3";

/** Exclusive rights that run out. */
export class Leases {
  readonly #dropExpired: Database.Statement;
  readonly #take: Database.Statement;
  readonly #release: Database.Statement;

  constructor(database: Database.Database) {
    this.#dropExpired = database.prepare("DELETE FROM leases WHERE expires_at <= ?");
    this.#take = database.prepare(
      `INSERT INTO leases (key, owner, expires_at) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at WHERE owner = excluded.owner`,
    );
    this.#release = database.prepare("DELETE FROM leases WHERE key = ? AND owner = ?");
  }

  /** Answers false where another owner's lease has not run out. Call within a transaction. */
  take(key: string, owner: string, now: number, ttlMs: number): boolean {
    this.#dropExpired.run(now);
    return this.#take.run(key, owner, now + ttlMs).changes === 1;
  }

  release(key: string, owner: string): void {
    this.#release.run(key, owner);
  }
}
