import type Database from "better-sqlite3";
import { z } from "zod";
import type { DocumentUse, IdleDocument } from "../../core/ports/cache-records.ts";
import { bytesSchema, readRow, timeSchema } from "../sqlite/read-row.ts";

const rowSchema = z.object({
  id: z.int(),
  repository: z.string(),
  key: z.string(),
  lastUsedAt: timeSchema,
  storedBytes: bytesSchema,
}) satisfies z.ZodType<IdleDocument>;

/** When upstream documents were used, and which of them nobody needs. Call what writes within a transaction. */
export class IdleDocuments {
  readonly #use: Database.Statement;
  readonly #idle: Database.Statement;
  readonly #markLetGo: Database.Statement;
  readonly #dropBody: Database.Statement;
  readonly #dropListed: Database.Statement;

  constructor(database: Database.Database) {
    this.#use = database.prepare(
      "UPDATE documents SET last_used_at = max(coalesce(last_used_at, 0), ?), package = ? WHERE repository = ? AND key = ?",
    );
    // A document about no package, or one whose package nobody noted, is never among them.
    this.#idle = database.prepare(
      `SELECT d.id, d.repository, d.key, d.last_used_at AS lastUsedAt, length(b.body_zstd) AS storedBytes
       FROM documents d JOIN document_bodies b ON b.document_id = d.id
       WHERE d.id > @after AND d.let_go = 0 AND d.package IS NOT NULL AND d.last_used_at <= @unusedSince AND d.validated_at <= @unusedSince
         AND NOT EXISTS (
           SELECT 1 FROM packages p JOIN artifacts a ON a.package_id = p.id JOIN admissions m ON m.artifact_id = a.id
           WHERE p.repository = d.repository AND p.name = d.package AND (m.decision = 'admit' OR @keepRefused = 1))
         AND NOT EXISTS (SELECT 1 FROM hosted_packages h WHERE h.repository = d.repository AND h.name = d.package)
       ORDER BY d.id LIMIT @limit`,
    );
    this.#markLetGo = database.prepare(
      "UPDATE documents SET let_go = 1, etag = NULL, last_modified = NULL WHERE id = ? AND let_go = 0 AND last_used_at = ?",
    );
    this.#dropBody = database.prepare("DELETE FROM document_bodies WHERE document_id = ?");
    this.#dropListed = database.prepare("DELETE FROM listed_files WHERE document_id = ?");
  }

  use({ repository, key, package: about, usedAt }: DocumentUse): void {
    this.#use.run(usedAt, about ?? null, repository, key);
  }

  idle(
    limit: number,
    { after = 0, unusedSince, alsoRefused }: { readonly after?: number; readonly unusedSince: number; readonly alsoRefused: boolean },
  ): IdleDocument[] {
    return this.#idle
      .all({ after, unusedSince, keepRefused: alsoRefused ? 0 : 1, limit })
      .map((row) => readRow(rowSchema, row, "a document that is not used"));
  }

  letGo({ id, lastUsedAt }: Pick<IdleDocument, "id" | "lastUsedAt">): boolean {
    if (this.#markLetGo.run(id, lastUsedAt).changes === 0) return false;
    this.#dropBody.run(id);
    this.#dropListed.run(id);
    return true;
  }
}
