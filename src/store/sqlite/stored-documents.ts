import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import type Database from "better-sqlite3";
import { z } from "zod";
import { AssayError } from "../../core/errors.ts";
import type { DocumentKey, DocumentRecord } from "../../core/ports/index-store.ts";
import type { Names } from "./names.ts";
import { bytesSchema, readRow, timeSchema } from "./read-row.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const rowSchema = z.object({
  url: z.string(),
  upstream: z.string(),
  contentType: z.string(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  revision: z.string(),
  fetchedAt: timeSchema,
  validatedAt: timeSchema,
  bodyZstd: z.instanceof(Buffer),
  bodyBytes: bytesSchema,
});

const ownerSchema = z.object({ upstream: z.string(), isLetGo: z.literal([0, 1]).transform((flag) => flag === 1) });

/** A document as it lies in the database. */
export type PackedDocument = z.infer<typeof rowSchema>;

/** A body on its way into the database. */
export interface PackedBody {
  readonly zstd: Buffer;
  readonly bytes: number;
}

/** Compresses a body, off the main thread. The checksum that zstd adds tells on the way back whether the disk kept it well. */
export async function packBody(body: Buffer): Promise<PackedBody> {
  const zstd = await compress(body, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  return { zstd, bytes: body.length };
}

/** Throws STORE_CORRUPT where the body is not what was stored. */
export async function unpackDocument(packed: PackedDocument): Promise<DocumentRecord> {
  const { bodyZstd, bodyBytes, etag, lastModified, ...rest } = packed;
  return {
    ...rest,
    body: await unpackBody({ zstd: bodyZstd, bytes: bodyBytes }, packed.url),
    ...(etag === null ? {} : { etag }),
    ...(lastModified === null ? {} : { lastModified }),
  };
}

async function unpackBody(packed: PackedBody, url: string): Promise<Buffer> {
  const damage = { help: "restore assay.db from a backup", cause: undefined as unknown };
  try {
    // Zero is no limit to zlib, so that an empty body is held to one byte.
    const body = await decompress(packed.zstd, { maxOutputLength: Math.max(packed.bytes, 1) });
    if (body.length === packed.bytes) return body;
  } catch (error) {
    damage.cause = error;
  }
  throw new AssayError("STORE_CORRUPT", `the index holds a damaged document of ${url}`, damage);
}

/** Upstream documents with their validators, one for each key. */
export class StoredDocuments {
  readonly #upstreams: Names;
  readonly #find: Database.Statement;
  readonly #ownerOf: Database.Statement;
  readonly #put: Database.Statement<unknown[], number>;
  readonly #putBody: Database.Statement;
  readonly #touch: Database.Statement;

  constructor(database: Database.Database, upstreams: Names) {
    this.#upstreams = upstreams;
    this.#find = database.prepare(
      `SELECT d.url, u.name AS upstream, d.content_type AS contentType, d.etag, d.last_modified AS lastModified, d.revision,
              d.fetched_at AS fetchedAt, d.validated_at AS validatedAt, b.body_zstd AS bodyZstd, b.body_bytes AS bodyBytes
       FROM documents d
       JOIN upstreams u ON u.id = d.upstream_id
       LEFT JOIN document_bodies b ON b.document_id = d.id
       WHERE d.repository = ? AND d.key = ? AND d.let_go = 0`,
    );
    this.#ownerOf = database.prepare(
      "SELECT u.name AS upstream, d.let_go AS isLetGo FROM documents d JOIN upstreams u ON u.id = d.upstream_id WHERE d.repository = ? AND d.key = ?",
    );
    this.#put = database
      .prepare<unknown[], number>(
        `INSERT INTO documents (repository, key, upstream_id, url, content_type, etag, last_modified, revision, fetched_at, validated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET upstream_id = excluded.upstream_id, url = excluded.url, content_type = excluded.content_type,
           etag = excluded.etag, last_modified = excluded.last_modified, revision = excluded.revision,
           fetched_at = excluded.fetched_at, validated_at = excluded.validated_at, let_go = 0
         RETURNING id`,
      )
      .pluck();
    // An update in place, not a replacement: SQLite then leaves pages alone whose bytes are the same, and upstreams without
    // validators send the same megabytes again and again.
    this.#putBody = database.prepare(
      `INSERT INTO document_bodies (document_id, body_zstd, body_bytes) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET body_zstd = excluded.body_zstd, body_bytes = excluded.body_bytes`,
    );
    this.#touch = database.prepare("UPDATE documents SET validated_at = ? WHERE repository = ? AND key = ?");
  }

  ownerOf(key: DocumentKey): z.infer<typeof ownerSchema> | undefined {
    const row = this.#ownerOf.get(key.repository, key.key);
    return row === undefined ? undefined : readRow(ownerSchema, row, `the document ${key.key}`);
  }

  /** Undefined also for one whose body was let go. */
  find(key: DocumentKey): PackedDocument | undefined {
    const row = this.#find.get(key.repository, key.key);
    return row === undefined ? undefined : readRow(rowSchema, row, `the document ${key.key}`);
  }

  /** Answers the document's number. Call within a transaction. */
  put(key: DocumentKey, document: Omit<DocumentRecord, "body">, body: PackedBody): number {
    const id = this.#put.get(
      key.repository,
      key.key,
      this.#upstreams.idOf(document.upstream),
      document.url,
      document.contentType,
      document.etag,
      document.lastModified,
      document.revision,
      document.fetchedAt,
      document.validatedAt,
    );
    if (id === undefined) throw new AssayError("INTERNAL", "storing a document answered no number");
    this.#putBody.run(id, body.zstd, body.bytes);
    return id;
  }

  touch(key: DocumentKey, validatedAt: number): void {
    this.#touch.run(validatedAt, key.repository, key.key);
  }
}
