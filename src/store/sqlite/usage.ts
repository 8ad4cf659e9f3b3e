import type Database from "better-sqlite3";
import { z } from "zod";
import type { IndexUsage } from "../../core/ports/index-store.ts";
import { bytesSchema, readRow } from "./read-row.ts";

const rowSchema = z.object({ blobs: bytesSchema, blobBytes: bytesSchema, indexBytes: bytesSchema, decisions: bytesSchema });

/** How much there is in the store. */
export class Usage {
  readonly #find: Database.Statement;

  constructor(database: Database.Database) {
    this.#find = database.prepare(
      `SELECT t.blobs, t.blob_bytes AS blobBytes, c.page_count * s.page_size AS indexBytes,
              (SELECT coalesce(max(position), -1) + 1 FROM decisions) AS decisions
       FROM store_totals t, pragma_page_count() c, pragma_page_size() s`,
    );
  }

  now(): IndexUsage {
    return readRow(rowSchema, this.#find.get(), "how much there is");
  }
}
