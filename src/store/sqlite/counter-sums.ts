import type Database from "better-sqlite3";
import { z } from "zod";
import { COUNTERS, type Counter, type CounterDelta, nothingCounted } from "../../core/ports/index-store.ts";
import { readRow } from "./read-row.ts";

const rowSchema = z.object({ repository: z.string(), counter: z.enum(COUNTERS), value: z.int() });

/** What was counted, summed up over all processes and starts. */
export class CounterSums {
  readonly #add: Database.Statement;
  readonly #all: Database.Statement;

  constructor(database: Database.Database) {
    this.#add = database.prepare(
      "INSERT INTO counters (repository, counter, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
    );
    this.#all = database.prepare("SELECT repository, counter, value FROM counters ORDER BY repository");
  }

  /** Call within a transaction. */
  add(deltas: readonly CounterDelta[]): void {
    for (const { repository, counter, by } of deltas) this.#add.run(repository, counter, by);
  }

  all(): Map<string, Record<Counter, number>> {
    const sums = new Map<string, Record<Counter, number>>();
    for (const row of this.#all.all()) {
      const { repository, counter, value } = readRow(rowSchema, row, "a counter");
      const sum = sums.get(repository) ?? nothingCounted();
      sum[counter] = value;
      sums.set(repository, sum);
    }
    return sums;
  }
}
