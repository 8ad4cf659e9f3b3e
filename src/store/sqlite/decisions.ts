import type Database from "better-sqlite3";
import { z } from "zod";
import type { ArtifactRef } from "../../core/artifact.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { type DecisionEntry, type LoggedDecision, MAX_DECISION_BYTES } from "../../core/decision.ts";
import { AssayError } from "../../core/errors.ts";
import type { DecisionFilter } from "../../core/ports/index-store.ts";
import type { Artifacts } from "./artifacts.ts";
import { DecisionHashes } from "./decision-hashes.ts";
import { decisionSchema } from "./decision-schema.ts";
import { faultIn, jsonColumn, readRow } from "./read-row.ts";

const rowSchema = z.object({ position: z.int().nonnegative(), entry: z.string() });
const entrySchema = jsonColumn(decisionSchema);

const TABLES = `
  decisions d
  JOIN artifacts a ON a.id = d.artifact_id
  JOIN packages p ON p.id = a.package_id`;

/** The decision log: a table that is only ever added to, as its triggers see to, and beside it the hash tree over its entries. */
export class Decisions {
  readonly #artifacts: Artifacts;
  readonly #hashes: DecisionHashes;
  readonly #database: Database.Database;
  readonly #next: Database.Statement<unknown[], number>;
  readonly #add: Database.Statement;
  readonly #newest: Database.Statement;
  readonly #from: Database.Statement<unknown[], { readonly position: number }>;

  constructor(database: Database.Database, artifacts: Artifacts) {
    this.#artifacts = artifacts;
    this.#hashes = new DecisionHashes(database);
    this.#database = database;
    this.#next = database.prepare<unknown[], number>("SELECT coalesce(max(position), -1) + 1 FROM decisions").pluck();
    this.#add = database.prepare(
      "INSERT INTO decisions (position, artifact_id, ecosystem, decided_at, outcome, entry) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#from = database.prepare<unknown[], { position: number }>(
      "SELECT position, entry FROM decisions WHERE position >= ? ORDER BY position LIMIT ?",
    );
    this.#newest = database.prepare(
      `SELECT d.position, d.entry FROM ${TABLES}
       WHERE p.repository = ? AND p.name = ? AND a.version = ? AND a.file = ? AND d.ecosystem = ? ORDER BY d.position DESC LIMIT 1`,
    );
  }

  /** Call within a transaction that locks out other writers: the position is the next one. */
  append(ref: ArtifactRef, entry: DecisionEntry): void {
    const position = this.#next.get() ?? 0;
    const text = canonicalJson({ ...entry, position });
    if (Buffer.byteLength(text) > MAX_DECISION_BYTES) throw new AssayError("INTERNAL", "an entry for the decision log is too large");
    this.#hashes.add(position, text);
    const artifactId = this.#artifacts.id(this.#artifacts.packageId(ref.repository, ref.name), ref.version, ref.file);
    this.#add.run(position, artifactId, ref.ecosystem, Date.parse(entry.time), entry.outcome, text);
  }

  newest({ repository, name, version, file, ecosystem }: ArtifactRef): DecisionEntry | undefined {
    const row = this.#newest.get(repository, name, version, file, ecosystem);
    return row === undefined ? undefined : toLogged(row).entry;
  }

  /** Entries from a position on, at most `limit`, each with what is wrong with it as a reader would say it; undefined where nothing is. */
  readable(from: number, limit: number): { readonly position: number; readonly fault: string | undefined }[] {
    return this.#from.all(from, limit).map((row) => ({ position: row.position, fault: faultIn(() => toLogged(row)) }));
  }

  matching(filter: DecisionFilter): LoggedDecision[] {
    const { from, limit, since, until, repository, outcome, package: wanted } = filter;
    const conditions: [string, string | number | undefined][] = [
      ["d.position >= ?", from],
      ["d.decided_at >= ?", since],
      ["d.decided_at < ?", until],
      ["d.outcome = ?", outcome],
      ["p.repository = ?", repository],
      ["d.ecosystem = ?", wanted?.ecosystem],
      ["p.name = ?", wanted?.name],
      ["a.version = ?", wanted?.version],
      ["a.file = ?", wanted?.file],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.map(([condition]) => condition).join(" AND ");
    const statement = this.#database.prepare(`SELECT d.position, d.entry FROM ${TABLES} WHERE ${where} ORDER BY d.position LIMIT ?`);
    return statement.all(...given.map(([, value]) => value), limit).map(toLogged);
  }
}

function toLogged(row: unknown): LoggedDecision {
  const what = "an entry of the decision log";
  const { position, entry: text } = readRow(rowSchema, row, what);
  const { position: written, ...entry } = readRow(entrySchema, text, what);
  if (written === position) return { position, text, entry };
  throw new AssayError("STORE_CORRUPT", `the index holds entry ${written} of the decision log at position ${position}`, {
    help: "somebody changed assay.db: restore it from a backup",
  });
}
