import { join } from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import type { AuditEntry, LoggedAudit } from "../../core/audit.ts";
import type { JsonObject } from "../../core/json.ts";
import type {
  Approval,
  AuditFilter,
  Deprecation,
  HostedPackage,
  HostedPackages,
  HostedVersion,
  PackageSearch,
  Publication,
  PublishOutcome,
  VersionKey,
} from "../../core/ports/hosted-packages.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { readRow, timeSchema } from "../sqlite/read-row.ts";
import { Transactions } from "../sqlite/transactions.ts";
import { AuditLog } from "./audit-log.ts";
import { objectColumn, SELECT_VERSION, toVersion } from "./version-row.ts";

const packageRow = z.object({ id: z.int(), name: z.string(), owner: z.string() });
const tagRow = z.object({ tag: z.string(), version: z.string() });
const approvalRow = z.object({
  approver: z.string(),
  status: z.enum(["approved", "rejected"]),
  comment: z.string().nullable(),
  createdAt: timeSchema,
});

/** One version by its key. */
const VERSION_ID = `
  SELECT v.id FROM hosted_versions v JOIN hosted_packages p ON p.id = v.package_id WHERE p.repository = ? AND p.name = ? AND v.version = ?`;

/** Published packages in the index's database, through a connection of their own. */
export class SqliteHostedPackages implements HostedPackages {
  readonly #database: Database.Database;
  readonly #transactions: Transactions;
  readonly #audit: AuditLog;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#transactions = new Transactions(database, "the published packages");
    this.#audit = new AuditLog(database);
  }

  /** The data folder must exist. Throws what `openDatabase` throws. */
  static async open({ dataDir }: { readonly dataDir: string }): Promise<SqliteHostedPackages> {
    return new SqliteHostedPackages(await openDatabase(join(dataDir, "assay.db")));
  }

  async publish(repository: string, publication: Publication, entry: AuditEntry): Promise<PublishOutcome> {
    return this.#transactions.write((): PublishOutcome => {
      const { name, digest, publishedBy, ofAnyOwner } = publication;
      const known = this.#package(repository, name);
      if (known && known.owner !== publishedBy && !ofAnyOwner) return { kind: "owned", owner: known.owner };
      const packageId = known?.id ?? this.#addPackage(repository, name, publishedBy);
      const there = this.#database
        .prepare(`${SELECT_VERSION} WHERE v.package_id = ? AND v.precedence = ?`)
        .get(packageId, publication.precedence);
      if (there !== undefined) {
        const version = toVersion(there);
        const isSame = version.digest === digest && version.version === publication.version;
        return { kind: isSame ? "held" : "conflict", version };
      }
      const id = this.#addVersion(packageId, publication);
      if (publication.tag !== undefined && publication.status === "approved") this.#putTag(packageId, publication.tag, id);
      this.#audit.append(repository, entry);
      return { kind: "published", version: toVersion(this.#database.prepare(`${SELECT_VERSION} WHERE v.id = ?`).get(id)) };
    });
  }

  async package(repository: string, name: string): Promise<HostedPackage | undefined> {
    return this.#transactions.read(() => {
      const known = this.#package(repository, name);
      if (!known) return undefined;
      const versions = this.#database.prepare(`${SELECT_VERSION} WHERE v.package_id = ? ORDER BY v.id`).all(known.id).map(toVersion);
      const tags = this.#database
        .prepare(
          "SELECT t.tag, v.version FROM hosted_tags t JOIN hosted_versions v ON v.id = t.version_id WHERE t.package_id = ? ORDER BY t.tag",
        )
        .all(known.id)
        .map((row) => readRow(tagRow, row, `a tag of ${name}`));
      return { name, owner: known.owner, versions, tags: new Map(tags.map(({ tag, version }) => [tag, version])) };
    });
  }

  async search(repository: string, search: PackageSearch): Promise<{ readonly names: readonly string[]; readonly total: number }> {
    // As text within text, never as a pattern: what is searched for is the client's to choose.
    const from = `
      FROM hosted_packages p WHERE p.repository = @repository AND EXISTS (
        SELECT 1 FROM hosted_versions v WHERE v.package_id = p.id AND v.status = 'approved' AND v.yanked_at IS NULL
          AND (@category IS NULL OR v.fields ->> '$.category' = @category)
          AND (@text IS NULL OR instr(lower(p.name), @text) > 0 OR instr(lower(coalesce(v.fields ->> '$.description', '')), @text) > 0
            OR instr(lower(coalesce(v.fields -> '$.keywords', '')), @text) > 0))`;
    const values = { repository, text: search.text?.toLowerCase() ?? null, category: search.category ?? null };
    return this.#transactions.read(() => ({
      names: this.#database
        .prepare<unknown[], string>(`SELECT p.name ${from} ORDER BY p.name LIMIT @limit OFFSET @offset`)
        .pluck()
        .all({ ...values, limit: search.limit, offset: search.offset }),
      total: this.#database.prepare<unknown[], number>(`SELECT count(*) ${from}`).pluck().get(values) ?? 0,
    }));
  }

  async signatures({ repository, name, version }: VersionKey): Promise<JsonObject | undefined> {
    return this.#transactions.read(() => {
      const row = this.#database
        .prepare(`SELECT signatures FROM hosted_versions WHERE id = (${VERSION_ID})`)
        .pluck()
        .get(repository, name, version);
      return row === undefined ? undefined : readRow(objectColumn, row, `the signatures of ${name}@${version}`);
    });
  }

  async setTag(key: VersionKey, tag: string, entry: AuditEntry): Promise<boolean> {
    return this.#change(key.repository, entry, () => {
      const id = this.#versionId(key);
      const packageId = this.#package(key.repository, key.name)?.id;
      return id !== undefined && packageId !== undefined && this.#putTag(packageId, tag, id);
    });
  }

  async removeTag({ repository, name }: Omit<VersionKey, "version">, tag: string, entry: AuditEntry): Promise<boolean> {
    const remove = this.#database.prepare("DELETE FROM hosted_tags WHERE package_id = ? AND tag = ?");
    return this.#change(repository, entry, () => remove.run(this.#package(repository, name)?.id ?? null, tag).changes > 0);
  }

  async setYanked(key: VersionKey, yankedAt: number | undefined, entry: AuditEntry): Promise<boolean> {
    const update = this.#database.prepare(
      "UPDATE hosted_versions SET yanked_at = @to WHERE id = @id AND (yanked_at IS NULL) IS NOT (@to IS NULL)",
    );
    return this.#change(key.repository, entry, () => update.run({ id: this.#versionId(key) ?? null, to: yankedAt ?? null }).changes > 0);
  }

  async setDeprecated(key: VersionKey, deprecated: Deprecation | undefined, entry: AuditEntry): Promise<boolean> {
    const to = deprecated === undefined ? null : JSON.stringify(deprecated);
    const update = this.#database.prepare("UPDATE hosted_versions SET deprecated = @to WHERE id = @id AND deprecated IS NOT @to");
    return this.#change(key.repository, entry, () => update.run({ id: this.#versionId(key) ?? null, to }).changes > 0);
  }

  async decide(key: VersionKey, approval: Approval, entry: AuditEntry): Promise<boolean> {
    const update = this.#database.prepare("UPDATE hosted_versions SET status = ? WHERE id = ? AND status = 'pending'");
    const add = this.#database.prepare(
      "INSERT INTO hosted_approvals (version_id, approver, status, comment, created_at) VALUES (?, ?, ?, ?, ?)",
    );
    const putAskedTag = this.#database.prepare(
      `INSERT INTO hosted_tags (package_id, tag, version_id) SELECT package_id, tag, id FROM hosted_versions WHERE id = ? AND tag IS NOT NULL
       ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id`,
    );
    return this.#change(key.repository, entry, () => {
      const id = this.#versionId(key) ?? null;
      if (update.run(approval.status, id).changes === 0) return false;
      add.run(id, approval.approver, approval.status, approval.comment ?? null, approval.createdAt);
      if (approval.status === "approved") putAskedTag.run(id);
      return true;
    });
  }

  async approvals({ repository, name, version }: VersionKey): Promise<readonly Approval[]> {
    const select = this.#database.prepare(
      `SELECT approver, status, comment, created_at AS createdAt FROM hosted_approvals WHERE version_id = (${VERSION_ID}) ORDER BY id`,
    );
    return this.#transactions.read(() =>
      select.all(repository, name, version).map((row) => {
        const { comment, ...approval } = readRow(approvalRow, row, `an approval of ${name}@${version}`);
        return { ...approval, ...(comment === null ? {} : { comment }) };
      }),
    );
  }

  async pending(
    repository: string,
    { offset, limit }: { readonly offset: number; readonly limit: number },
  ): Promise<readonly HostedVersion[]> {
    const select = this.#database.prepare(
      `${SELECT_VERSION} WHERE p.repository = ? AND v.status = 'pending' ORDER BY v.id LIMIT ? OFFSET ?`,
    );
    return this.#transactions.read(() => select.all(repository, limit, offset).map(toVersion));
  }

  async version(repository: string, id: number): Promise<HostedVersion | undefined> {
    return this.#transactions.read(() => {
      const row = this.#database.prepare(`${SELECT_VERSION} WHERE p.repository = ? AND v.id = ?`).get(repository, id);
      return row === undefined ? undefined : toVersion(row);
    });
  }

  async audit(repository: string, filter: AuditFilter): Promise<{ readonly entries: readonly LoggedAudit[]; readonly total: number }> {
    return this.#transactions.read(() => this.#audit.matching(repository, filter));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** What changes something is written down with it; what does not leaves no trace. */
  #change(repository: string, entry: AuditEntry, change: () => boolean): boolean {
    return this.#transactions.write(() => {
      const changed = change();
      if (changed) this.#audit.append(repository, entry);
      return changed;
    });
  }

  #package(repository: string, name: string): z.output<typeof packageRow> | undefined {
    const row = this.#database
      .prepare("SELECT id, name, owner FROM hosted_packages WHERE repository = ? AND name = ?")
      .get(repository, name);
    return row === undefined ? undefined : readRow(packageRow, row, "a published package");
  }

  #addPackage(repository: string, name: string, owner: string): number {
    const add = this.#database.prepare("INSERT INTO hosted_packages (repository, name, owner) VALUES (?, ?, ?)");
    return Number(add.run(repository, name, owner).lastInsertRowid);
  }

  #addVersion(packageId: number, publication: Publication): number {
    const add = this.#database.prepare(
      `INSERT INTO hosted_versions (package_id, version, precedence, digest, size_bytes, published_at, published_by, status, tag, fields, signatures)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const { version, precedence, digest, sizeBytes, publishedAt, publishedBy, status, tag = null, fields, signatures } = publication;
    const bytes = Buffer.from(digest, "hex");
    const more = [status, tag, JSON.stringify(fields), JSON.stringify(signatures)];
    return Number(add.run(packageId, version, precedence, bytes, sizeBytes, publishedAt, publishedBy, ...more).lastInsertRowid);
  }

  #versionId({ repository, name, version }: VersionKey): number | undefined {
    return this.#database.prepare<unknown[], number>(VERSION_ID).pluck().get(repository, name, version);
  }

  /** Answers whether it pointed elsewhere, or nowhere, before. */
  #putTag(packageId: number, tag: string, versionId: number): boolean {
    const put = this.#database.prepare(
      `INSERT INTO hosted_tags (package_id, tag, version_id) VALUES (?, ?, ?)
       ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id WHERE version_id <> excluded.version_id`,
    );
    return put.run(packageId, tag, versionId).changes > 0;
  }
}
