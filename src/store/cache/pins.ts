import type Database from "better-sqlite3";
import { z } from "zod";
import type { Pin } from "../../core/ports/cache-records.ts";
import { readRow, timeSchema } from "../sqlite/read-row.ts";

const rowSchema = z
  .object({ pattern: z.string(), source: z.string().nullable(), pinnedAt: timeSchema })
  .transform(({ source, ...pin }): Pin => ({ ...pin, ...(source === null ? {} : { source }) }));

/** What must stay, by package URL pattern. Call what writes within a transaction. */
export class Pins {
  readonly #all: Database.Statement;
  readonly #add: Database.Statement;
  readonly #remove: Database.Statement;

  constructor(database: Database.Database) {
    this.#all = database.prepare("SELECT pattern, source, pinned_at AS pinnedAt FROM pins ORDER BY pattern");
    this.#add = database.prepare("INSERT INTO pins (pattern, source, pinned_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.#remove = database.prepare("DELETE FROM pins WHERE pattern = ?");
  }

  all(): Pin[] {
    return this.#all.all().map((row) => readRow(rowSchema, row, "a pin"));
  }

  /** Answers how many were not there yet. */
  add(pins: readonly Pin[]): number {
    return pins.reduce((added, { pattern, source, pinnedAt }) => added + this.#add.run(pattern, source ?? null, pinnedAt).changes, 0);
  }

  remove(pattern: string): boolean {
    return this.#remove.run(pattern).changes === 1;
  }
}
