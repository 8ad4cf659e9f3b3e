import type Database from "better-sqlite3";
import { z } from "zod";
import { type ArtifactRef, ECOSYSTEM_IDS } from "../../core/artifact.ts";
import type { Admission, Verdict } from "../../core/verdict.ts";
import type { Artifacts } from "./artifacts.ts";
import { evidenceSchema } from "./evidence-schema.ts";
import { integerOrNull } from "./integer-or-null.ts";
import type { Names } from "./names.ts";
import { bytesSchema, checksumSchema, digestSchema, faultIn, jsonColumn, readRow, timeSchema } from "./read-row.ts";
import { policyInForceSchema, reasonSchema } from "./reason-schema.ts";

const verdictSchema = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("admit"), warnings: z.array(reasonSchema) }),
  z.looseObject({ kind: z.literal("refuse"), reasons: z.tuple([reasonSchema], reasonSchema) }),
]) satisfies z.ZodType<Verdict>;

const refSchema = z.object({
  ecosystem: z.enum(ECOSYSTEM_IDS),
  repository: z.string(),
  name: z.string(),
  version: z.string(),
  file: z.string(),
}) satisfies z.ZodType<ArtifactRef>;

const rowSchema = z.object({
  ecosystem: z.enum(ECOSYSTEM_IDS),
  version: z.string(),
  file: z.string(),
  decidedAt: timeSchema,
  digest: digestSchema,
  sizeBytes: bytesSchema,
  url: z.string(),
  upstream: z.string(),
  claims: jsonColumn(z.array(checksumSchema)),
  publishedAt: z.int().nullable(),
  firstSeenAt: timeSchema.nullable(),
  evidence: jsonColumn(z.array(evidenceSchema)),
  verdict: jsonColumn(verdictSchema),
  policy: jsonColumn(policyInForceSchema).nullable(),
});

const sinceSchema = z.object({ admittedSince: timeSchema });

const COLUMNS = columns("m.evidence");
/** Statements are long and foreign, up to a MiB each, and all archives of a package are read for each of its pages and verdicts. What is no JSON stays as it is. */
const COLUMNS_WITHOUT_STATEMENTS = columns(`
  CASE WHEN json_valid(m.evidence) AND json_type(m.evidence) = 'array' THEN (
    SELECT json_group_array(json(CASE one.type WHEN 'object' THEN json_remove(one.value, '$.outcome.statement') ELSE 'null' END))
    FROM json_each(m.evidence) one
  ) ELSE m.evidence END AS evidence`);
/** A line is added each time that an archive is checked again, and what was there first must stay so. */
const ADMITTED_SINCE = `(
    SELECT min(f.decided_at) FROM admissions f WHERE f.artifact_id = m.artifact_id AND f.decision = 'admit' AND f.digest = m.digest
  ) AS admittedSince`;
const TABLES = tables("m.artifact_id = a.id");
/** The newest line of each archive, found by one look into an index however often an archive was refused. */
const NEWEST_LINES = tables("m.id = (SELECT max(id) FROM admissions WHERE artifact_id = a.id)");
const ONE = `WHERE p.repository = ? AND p.name = ? AND a.version = ? AND a.file = ? AND m.ecosystem = ?`;
const NEWEST = `ORDER BY m.id DESC LIMIT 1`;

/** The journal of decisions, and the blobs that were admitted. */
export class Admissions {
  readonly #artifacts: Artifacts;
  readonly #upstreams: Names;
  readonly #newest: Database.Statement;
  readonly #newestAdmitted: Database.Statement;
  readonly #admittedOfPackage: Database.Statement;
  readonly #refusedOfPackage: Database.Statement;
  readonly #admittedRefs: Database.Statement;
  readonly #decidedRefs: Database.Statement;
  readonly #lines: Database.Statement<unknown[], { readonly id: number; readonly repository: string; readonly name: string }>;
  readonly #add: Database.Statement;
  readonly #addBlob: Database.Statement;

  constructor(database: Database.Database, artifacts: Artifacts, upstreams: Names) {
    this.#artifacts = artifacts;
    this.#upstreams = upstreams;
    this.#newest = database.prepare(`SELECT ${COLUMNS} FROM ${TABLES} ${ONE} ${NEWEST}`);
    this.#newestAdmitted = database.prepare(`SELECT ${COLUMNS} FROM ${TABLES} ${ONE} AND m.decision = 'admit' ${NEWEST}`);
    this.#admittedOfPackage = database.prepare(
      `SELECT ${COLUMNS_WITHOUT_STATEMENTS}, ${ADMITTED_SINCE} FROM ${TABLES} WHERE p.repository = ? AND p.name = ?
       AND m.id = (SELECT max(id) FROM admissions WHERE artifact_id = a.id AND decision = 'admit') ORDER BY a.id`,
    );
    this.#refusedOfPackage = database.prepare(
      `SELECT ${COLUMNS_WITHOUT_STATEMENTS} FROM ${NEWEST_LINES} WHERE p.repository = ? AND p.name = ? AND m.decision = 'refuse' ORDER BY a.id`,
    );
    this.#admittedRefs = database.prepare(refsPage("WHERE artifact_id = a.id AND decision = 'admit'"));
    this.#decidedRefs = database.prepare(refsPage("WHERE artifact_id = a.id"));
    this.#lines = database.prepare<unknown[], { id: number; repository: string; name: string }>(
      `SELECT m.id, p.repository, p.name, ${COLUMNS} FROM ${tables("m.artifact_id = a.id")} WHERE m.id > ? ORDER BY m.id LIMIT ?`,
    );
    this.#add = database.prepare(
      `INSERT INTO admissions
         (artifact_id, ecosystem, decided_at, decision, digest, size_bytes, url, upstream_id, claims, published_at, first_seen_at, evidence, verdict,
          policy)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#addBlob = database.prepare(
      `INSERT INTO blobs (digest, size_bytes, first_admitted_at, last_used_at) VALUES (@digest, @sizeBytes, @now, @now)
       ON CONFLICT DO UPDATE SET last_used_at = max(last_used_at, excluded.last_used_at)`,
    );
  }

  newest(ref: ArtifactRef, admittedOnly: boolean): Admission | undefined {
    const { repository, ecosystem, name, version, file } = ref;
    const row = (admittedOnly ? this.#newestAdmitted : this.#newest).get(repository, name, version, file, ecosystem);
    return row === undefined ? undefined : toAdmission(row, repository, name);
  }

  /** The newest admit line of every archive of a package that has one. */
  admittedOf(repository: string, name: string): Admission[] {
    return this.#admittedOfPackage.all(repository, name).map((row) => {
      const { admittedSince } = readRow(sinceSchema, row, `an admission of ${name}`);
      return { ...toAdmission(row, repository, name), admittedSince };
    });
  }

  /** The newest line of every archive of a package where that is a refusal. */
  refusedOf(repository: string, name: string): Admission[] {
    return this.#refusedOfPackage.all(repository, name).map((row) => toAdmission(row, repository, name));
  }

  /** The `limit` archives after `after` that have an admit line. */
  admittedRefs(limit: number, after: ArtifactRef | undefined): ArtifactRef[] {
    return refsOf(this.#admittedRefs, limit, after);
  }

  /** Those that have any line. */
  decidedRefs(limit: number, after: ArtifactRef | undefined): ArtifactRef[] {
    return refsOf(this.#decidedRefs, limit, after);
  }

  /** Journal lines after `id`, at most `limit`, each with what is wrong with it as a reader would say it; undefined where nothing is. */
  readable(id: number, limit: number): { readonly id: number; readonly fault: string | undefined }[] {
    return this.#lines.all(id, limit).map((row) => ({ id: row.id, fault: faultIn(() => toAdmission(row, row.repository, row.name)) }));
  }

  /** Call within a transaction. */
  add(admission: Admission): void {
    const { ref, verdict, decidedAt, sizeBytes } = admission;
    const digest = Buffer.from(admission.digest, "hex");
    if (verdict.kind === "admit") this.#addBlob.run({ digest, sizeBytes, now: decidedAt });
    this.#add.run(
      this.#artifacts.id(this.#artifacts.packageId(ref.repository, ref.name), ref.version, ref.file),
      ref.ecosystem,
      decidedAt,
      verdict.kind,
      digest,
      sizeBytes,
      admission.url,
      this.#upstreams.idOf(admission.upstream),
      JSON.stringify(admission.claims),
      integerOrNull(admission.publishedAt),
      integerOrNull(admission.firstSeenAt, 0),
      JSON.stringify(admission.evidence),
      JSON.stringify(verdict),
      admission.policy === undefined ? null : JSON.stringify(admission.policy),
    );
  }
}

function toAdmission(row: unknown, repository: string, name: string): Admission {
  const { ecosystem, version, file, publishedAt, firstSeenAt, policy, ...rest } = readRow(rowSchema, row, `an admission of ${name}`);
  return {
    ref: { repository, ecosystem, name, version, file },
    ...rest,
    ...(publishedAt === null ? {} : { publishedAt }),
    ...(firstSeenAt === null ? {} : { firstSeenAt }),
    ...(policy === null ? {} : { policy }),
  };
}

/** The pair begins where the page before ended, by the index; the four skip the rest of that package. */
function refsPage(lines: string): string {
  return `SELECT m.ecosystem, p.repository, p.name, a.version, a.file FROM packages p
    JOIN artifacts a ON a.package_id = p.id
    JOIN admissions m ON m.id = (SELECT max(id) FROM admissions ${lines})
    WHERE (p.repository, p.name) >= (@repository, @name) AND (p.repository, p.name, a.version, a.file) > (@repository, @name, @version, @file)
    ORDER BY p.repository, p.name, a.version, a.file LIMIT @limit`;
}

function refsOf(page: Database.Statement, limit: number, after: ArtifactRef | undefined): ArtifactRef[] {
  const { repository, name, version, file } = after ?? { repository: "", name: "", version: "", file: "" };
  return page.all({ repository, name, version, file, limit }).map((row) => readRow(refSchema, row, "an archive that was decided of"));
}

function tables(admissionsOfArchive: string): string {
  return `
    packages p
    JOIN artifacts a ON a.package_id = p.id
    JOIN admissions m ON ${admissionsOfArchive}
    JOIN upstreams u ON u.id = m.upstream_id`;
}

function columns(evidence: string): string {
  return `
    m.ecosystem, a.version, a.file, m.decided_at AS decidedAt, m.digest, m.size_bytes AS sizeBytes,
    m.url, u.name AS upstream, m.claims, m.published_at AS publishedAt, m.first_seen_at AS firstSeenAt, m.verdict, m.policy, ${evidence}`;
}
