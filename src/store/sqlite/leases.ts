import type Database from "better-sqlite3";
import { isGone, newProcessName, parseProcessName } from "../process-name.ts";

/** All indexes that this process has open: they tell each other apart by the owners they are given. */
const THIS_PROCESS = newProcessName();

/** Exclusive rights that run out, and end at once with a process that is gone: its successor need not wait for what it was doing. */
export class Leases {
  readonly #dropExpired: Database.Statement;
  readonly #holder: Database.Statement<[string], string>;
  readonly #take: Database.Statement;
  readonly #release: Database.Statement;
  readonly #bytes: Database.Statement<[], number>;

  constructor(database: Database.Database) {
    this.#dropExpired = database.prepare("DELETE FROM leases WHERE expires_at <= ?");
    this.#holder = database.prepare<[string], string>("SELECT owner FROM leases WHERE key = ?").pluck();
    this.#take = database.prepare(
      `INSERT INTO leases (key, owner, expires_at, bytes) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, bytes = excluded.bytes WHERE owner = excluded.owner`,
    );
    this.#release = database.prepare("DELETE FROM leases WHERE key = ? AND owner = ?");
    this.#bytes = database.prepare<[], number>("SELECT coalesce(sum(bytes), 0) FROM leases").pluck();
  }

  /** Answers false where another owner's lease has not run out. `bytes` are about to come in under it. Call within a transaction. */
  take(key: string, owner: string, now: number, ttlMs: number, bytes = 0): boolean {
    this.#dropExpired.run(now);
    const holder = this.#holder.get(key);
    if (holder !== undefined && isOfEndedProcess(holder)) this.#release.run(key, holder);
    return this.#take.run(key, written(owner), now + ttlMs, bytes).changes === 1;
  }

  /** What is about to come in under all leases. */
  bytes(): number {
    return this.#bytes.get() ?? 0;
  }

  release(key: string, owner: string): void {
    this.#release.run(key, written(owner));
  }
}

function written(owner: string): string {
  return `${THIS_PROCESS} ${owner}`;
}

function isOfEndedProcess(holder: string): boolean {
  const [name = ""] = holder.split(" ", 1);
  if (name === THIS_PROCESS) return false;
  const made = parseProcessName(name);
  return made !== undefined && isGone(made);
}
