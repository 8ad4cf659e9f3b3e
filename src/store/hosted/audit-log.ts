import { createHash } from "node:crypto";
import type Database from "better-sqlite3";
import { z } from "zod";
import { AUDIT_EVENTS, type AuditEntry, type LoggedAudit } from "../../core/audit.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { AuditFilter } from "../../core/ports/hosted-packages.ts";
import { jsonColumn, readRow } from "../sqlite/read-row.ts";

const entrySchema = z.object({
  version: z.literal(1),
  event: z.enum(AUDIT_EVENTS),
  timestamp: z.iso.datetime(),
  actor: z.object({ identity: z.string(), auth_method: z.literal("token") }),
  target: z.object({ package: z.string(), version: z.string().exactOptional() }),
  metadata: z.custom<JsonObject>((value) => typeof value === "object" && value !== null).exactOptional(),
  registry: z.string(),
}) satisfies z.ZodType<AuditEntry>;

const loggedSchema = jsonColumn(z.object({ position: z.int().nonnegative(), previous: z.string(), entry: entrySchema }));

/** The audit log of all hosted repositories: a table that is only ever added to, as its triggers see to. Each entry holds the hash of the one before it. */
export class AuditLog {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Call within a transaction that locks out other writers: the position is the next one. */
  append(repository: string, entry: AuditEntry): void {
    const last = this.#database.prepare<unknown[], string>("SELECT entry FROM hosted_audit ORDER BY position DESC LIMIT 1").pluck().get();
    const position = last === undefined ? 0 : readRow(loggedSchema, last, "an entry of the audit log").position + 1;
    const previous = last === undefined ? "" : createHash("sha256").update(last).digest("hex");
    this.#database
      .prepare("INSERT INTO hosted_audit (position, repository, package, event, actor, at, entry) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(
        position,
        repository,
        entry.target.package,
        entry.event,
        entry.actor.identity,
        Date.parse(entry.timestamp),
        canonicalJson({ position, previous, entry }),
      );
  }

  /** Newest first. */
  matching(repository: string, filter: AuditFilter): { readonly entries: readonly LoggedAudit[]; readonly total: number } {
    const conditions: [string, string | number | undefined][] = [
      ["repository = ?", repository],
      ["package = ?", filter.package],
      ["event = ?", filter.event],
      ["actor = ?", filter.actor],
      ["at >= ?", filter.from],
      ["at <= ?", filter.to],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.map(([condition]) => condition).join(" AND ");
    const values = given.map(([, value]) => value);
    const rows = this.#database.prepare(`SELECT entry FROM hosted_audit WHERE ${where} ORDER BY position DESC LIMIT ? OFFSET ?`).pluck();
    const total = this.#database.prepare<unknown[], number>(`SELECT count(*) FROM hosted_audit WHERE ${where}`).pluck();
    return {
      entries: rows.all(...values, filter.limit, filter.offset).map((row) => readRow(loggedSchema, row, "an entry of the audit log")),
      total: total.get(...values) ?? 0,
    };
  }
}
