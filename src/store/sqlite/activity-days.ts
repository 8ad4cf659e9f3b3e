import type Database from "better-sqlite3";
import { z } from "zod";
import { ECOSYSTEM_IDS } from "../../core/artifact.ts";
import { ACTIVITY_DAYS, type Activity, DAY_MS, type RefusedPackage, type UpstreamAnswers } from "../../core/ports/activity.ts";
import { COUNTERS, type Counter, type CounterDelta, nothingCounted } from "../../core/ports/index-store.ts";
import { readRow } from "./read-row.ts";
import { reasonSchema } from "./reason-schema.ts";

const counterSchema = z.object({ repository: z.string(), counter: z.enum(COUNTERS), value: z.int() });
const upstreamSchema = z.object({ upstream: z.string(), failed: z.int(), maxMs: z.int() });
const latencySchema = z.object({ bucket: z.int(), answers: z.int() });
const refusedSchema = z.object({
  repository: z.string(),
  ecosystem: z.enum(ECOSYSTEM_IDS),
  name: z.string(),
  code: reasonSchema.shape.code,
  times: z.int(),
});

/** What was counted day by day, over all processes. Times are in milliseconds since the epoch. */
export class ActivityDays {
  readonly #addCounter: Database.Statement;
  readonly #addUpstream: Database.Statement;
  readonly #addLatency: Database.Statement;
  readonly #removeOld: readonly Database.Statement[];
  readonly #counters: Database.Statement;
  readonly #upstreams: Database.Statement;
  readonly #latencies: Database.Statement;
  readonly #refused: Database.Statement;

  constructor(database: Database.Database) {
    this.#addCounter = database.prepare(
      "INSERT INTO counter_days (day, repository, counter, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
    );
    this.#addUpstream = database.prepare(
      `INSERT INTO upstream_days (day, upstream, failed, max_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET failed = failed + excluded.failed, max_ms = max(max_ms, excluded.max_ms)`,
    );
    this.#addLatency = database.prepare(
      "INSERT INTO upstream_latencies (day, upstream, bucket, answers) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET answers = answers + excluded.answers",
    );
    this.#removeOld = ["counter_days", "upstream_days", "upstream_latencies"].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE day < ?`),
    );
    this.#counters = database.prepare(
      "SELECT repository, counter, sum(value) AS value FROM counter_days WHERE day >= ? GROUP BY repository, counter ORDER BY repository",
    );
    this.#upstreams = database.prepare(
      "SELECT upstream, sum(failed) AS failed, max(max_ms) AS maxMs FROM upstream_days WHERE day >= ? GROUP BY upstream ORDER BY upstream",
    );
    this.#latencies = database.prepare(
      "SELECT bucket, sum(answers) AS answers FROM upstream_latencies WHERE day >= ? AND upstream = ? GROUP BY bucket",
    );
    this.#refused = database.prepare(
      `SELECT p.repository, d.ecosystem, p.name, json_extract(d.entry, '$.reasons[0].code') AS code, sum(max(1, json_extract(d.entry, '$.repeats'))) AS times
       FROM decisions d JOIN artifacts a ON a.id = d.artifact_id JOIN packages p ON p.id = a.package_id
       WHERE d.outcome = 'refuse' AND d.decided_at >= ? AND (? IS NULL OR p.repository = ?) AND json_valid(d.entry)
       GROUP BY p.repository, d.ecosystem, p.name, code ORDER BY times DESC, p.repository, p.name, code LIMIT ?`,
    );
  }

  /** Call within a transaction. */
  add(counters: readonly CounterDelta[], upstreams: readonly UpstreamAnswers[], now: number): void {
    const day = dayOf(now);
    for (const { repository, counter, by } of counters) this.#addCounter.run(day, repository, counter, by);
    for (const { upstream, failed, maxMs, buckets } of upstreams) {
      this.#addUpstream.run(day, upstream, failed, Math.round(maxMs));
      for (const [bucket, answers] of buckets) this.#addLatency.run(day, upstream, bucket, answers);
    }
    for (const statement of this.#removeOld) statement.run(day - ACTIVITY_DAYS);
  }

  /** From the day of `since` on. */
  since(since: number): Activity {
    const day = dayOf(since);
    const counters = new Map<string, Record<Counter, number>>();
    for (const row of this.#counters.all(day)) {
      const { repository, counter, value } = readRow(counterSchema, row, "a counter");
      const sum = counters.get(repository) ?? nothingCounted();
      sum[counter] = value;
      counters.set(repository, sum);
    }
    const upstreams = this.#upstreams.all(day).map((row) => {
      const upstream = readRow(upstreamSchema, row, "an upstream's answers");
      const latencies = this.#latencies
        .all(day, upstream.upstream)
        .map((latency) => readRow(latencySchema, latency, "an upstream's answers"));
      return { ...upstream, buckets: new Map(latencies.map(({ bucket, answers }) => [bucket, answers])) };
    });
    return { counters, upstreams };
  }

  /** What the decision log has of refusals, most frequent first. */
  refused({
    since,
    limit,
    repository = null,
  }: {
    readonly since: number;
    readonly limit: number;
    readonly repository?: string | null;
  }): RefusedPackage[] {
    return this.#refused.all(since, repository, repository, limit).map((row) => readRow(refusedSchema, row, "a refusal"));
  }
}

function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}
