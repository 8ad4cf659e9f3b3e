import type Database from "better-sqlite3";
import { z } from "zod";
import { ECOSYSTEM_IDS } from "../../core/artifact.ts";
import type { Digest } from "../../core/digest.ts";
import {
  type Holder,
  type KeptBlob,
  REMOVAL_CAUSES,
  type Removal,
  type RemovalCause,
  type UsePlace,
} from "../../core/ports/cache-records.ts";
import { bytesSchema, digestSchema, readRow, timeSchema } from "../sqlite/read-row.ts";

const blobSchema = z.object({ digest: digestSchema, sizeBytes: bytesSchema, lastUsedAt: timeSchema }) satisfies z.ZodType<KeptBlob>;
const removalSchema = z.object({
  id: z.int(),
  digest: digestSchema,
  sizeBytes: bytesSchema,
  removedAt: timeSchema,
  why: z.enum(REMOVAL_CAUSES),
}) satisfies z.ZodType<Removal>;
const holderSchema = z
  .object({
    ecosystem: z.enum(ECOSYSTEM_IDS),
    repository: z.string(),
    name: z.string(),
    version: z.string(),
    file: z.string(),
    listed: z.union([z.literal(0), z.literal(1)]).nullable(),
  })
  .transform(({ listed, ...ref }): Holder => ({ ref, listed: listed === 1 }));

const REMOVAL = "id, digest, size_bytes AS sizeBytes, removed_at AS removedAt, why";

/** The blobs that are kept, when they were used, and which were removed. Call what writes within a transaction. */
export class KeptBlobs {
  readonly #use: Database.Statement;
  readonly #bytes: Database.Statement<[], number>;
  readonly #find: Database.Statement;
  readonly #leastUsed: Database.Statement;
  readonly #all: Database.Statement;
  readonly #isWanted: Database.Statement<unknown[], number>;
  readonly #isHosted: Database.Statement<unknown[], number>;
  readonly #holders: Database.Statement;
  readonly #drop: Database.Statement;
  readonly #forgetRemoval: Database.Statement;
  readonly #addRemoval: Database.Statement;
  readonly #removal: Database.Statement;
  readonly #removalsAfter: Database.Statement;
  readonly #newestRemoval: Database.Statement<[], number>;

  constructor(database: Database.Database) {
    this.#use = database.prepare("UPDATE blobs SET last_used_at = ? WHERE digest = ? AND last_used_at < ?");
    this.#bytes = database.prepare<[], number>("SELECT blob_bytes FROM store_totals").pluck();
    this.#find = database.prepare("SELECT digest, size_bytes AS sizeBytes, last_used_at AS lastUsedAt FROM blobs WHERE digest = ?");
    this.#leastUsed = database.prepare(
      `SELECT digest, size_bytes AS sizeBytes, last_used_at AS lastUsedAt FROM blobs
       WHERE (last_used_at, digest) > (?, ?) AND last_used_at <= ? AND NOT EXISTS (SELECT 1 FROM hosted_versions h WHERE h.digest = blobs.digest)
       ORDER BY last_used_at, digest LIMIT ?`,
    );
    this.#all = database.prepare(
      `SELECT digest, size_bytes AS sizeBytes, last_used_at AS lastUsedAt FROM blobs WHERE digest > @after
       UNION ALL
       SELECT h.digest, h.size_bytes, min(h.published_at) FROM hosted_versions h
       WHERE h.digest > @after AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = h.digest) GROUP BY h.digest
       ORDER BY 1 LIMIT @limit`,
    );
    this.#isWanted = database
      .prepare<unknown[], number>(
        "SELECT EXISTS (SELECT 1 FROM blobs WHERE digest = @digest) OR EXISTS (SELECT 1 FROM hosted_versions WHERE digest = @digest)",
      )
      .pluck();
    this.#isHosted = database.prepare<unknown[], number>("SELECT EXISTS (SELECT 1 FROM hosted_versions WHERE digest = ?)").pluck();
    this.#holders = database.prepare(
      `SELECT DISTINCT m.ecosystem, p.repository, p.name, a.version, a.file,
              (SELECT max(l.listed) FROM listed_files l WHERE l.artifact_id = a.id) AS listed
       FROM admissions m JOIN artifacts a ON a.id = m.artifact_id JOIN packages p ON p.id = a.package_id
       WHERE m.digest = ? AND m.decision = 'admit'`,
    );
    this.#drop = database.prepare("DELETE FROM blobs WHERE digest = ? AND last_used_at <= ?");
    this.#forgetRemoval = database.prepare("DELETE FROM blob_removals WHERE digest = ?");
    this.#addRemoval = database.prepare("INSERT INTO blob_removals (digest, size_bytes, removed_at, why) VALUES (?, ?, ?, ?)");
    this.#removal = database.prepare(
      `SELECT ${REMOVAL} FROM blob_removals r WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = r.digest)`,
    );
    this.#removalsAfter = database.prepare(`SELECT ${REMOVAL} FROM blob_removals WHERE id > ? ORDER BY id LIMIT ?`);
    // Also where the newest was forgotten since: numbers are never given twice.
    this.#newestRemoval = database.prepare<[], number>("SELECT coalesce(max(id), 0) FROM blob_removals").pluck();
  }

  use(digest: Digest, usedAt: number): void {
    this.#use.run(usedAt, bytesOf(digest), usedAt);
  }

  /** Of all kept blobs together. */
  bytes(): number {
    return this.#bytes.get() ?? 0;
  }

  find(digest: Digest): KeptBlob | undefined {
    const row = this.#find.get(bytesOf(digest));
    return row === undefined ? undefined : toBlob(row);
  }

  leastUsed(limit: number, after: UsePlace | undefined, unusedSince: number): KeptBlob[] {
    const digest = after ? bytesOf(after.digest) : Buffer.alloc(0);
    return this.#leastUsed.all(after?.lastUsedAt ?? 0, digest, unusedSince, limit).map(toBlob);
  }

  /** With what was published here and never asked for. */
  all(limit: number, after: Digest | undefined): KeptBlob[] {
    return this.#all.all({ after: after ? bytesOf(after) : Buffer.alloc(0), limit }).map(toBlob);
  }

  isWanted(digest: Digest): boolean {
    return this.#isWanted.get({ digest: bytesOf(digest) }) === 1;
  }

  isHosted(digest: Digest): boolean {
    return this.#isHosted.get(bytesOf(digest)) === 1;
  }

  holders(digest: Digest): Holder[] {
    return this.#holders.all(bytesOf(digest)).map((row) => readRow(holderSchema, row, `the archives of sha256 ${digest}`));
  }

  /** Answers false where the blob was used after `unusedSince`, or is not kept. */
  remove(
    { digest, sizeBytes }: Pick<KeptBlob, "digest" | "sizeBytes">,
    { at, why, unusedSince }: { readonly at: number; readonly why: RemovalCause; readonly unusedSince: number },
  ): boolean {
    if (this.#drop.run(bytesOf(digest), unusedSince).changes === 0) return false;
    this.#forgetRemoval.run(bytesOf(digest));
    this.#addRemoval.run(bytesOf(digest), sizeBytes, at, why);
    return true;
  }

  removal(digest: Digest): Removal | undefined {
    const row = this.#removal.get(bytesOf(digest));
    return row === undefined ? undefined : toRemoval(row);
  }

  removalsAfter(id: number, limit: number): Removal[] {
    return this.#removalsAfter.all(id, limit).map(toRemoval);
  }

  newestRemoval(): number {
    return this.#newestRemoval.get() ?? 0;
  }
}

function toBlob(row: unknown): KeptBlob {
  return readRow(blobSchema, row, "a kept blob");
}

function toRemoval(row: unknown): Removal {
  return readRow(removalSchema, row, "a blob that was removed");
}

function bytesOf(digest: Digest): Buffer {
  return Buffer.from(digest, "hex");
}
