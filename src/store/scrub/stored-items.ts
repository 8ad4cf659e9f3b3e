import { createHash } from "node:crypto";
import type Database from "better-sqlite3";
import { AssayError } from "../../core/errors.ts";
import type { CheckedPage, IndexFault } from "../../core/ports/scrub-records.ts";
import type { Admissions } from "../sqlite/admissions.ts";
import type { Decisions } from "../sqlite/decisions.ts";
import { corruption } from "../sqlite/read-row.ts";
import { type StoredDocuments, unpackDocument } from "../sqlite/stored-documents.ts";

const PAGE_DOCUMENTS = 20;
const PAGE_ROWS = 200;

interface DocumentRow {
  readonly id: number;
  readonly repository: string;
  readonly key: string;
}

/** Reads what the index holds, page by page, each kind by the reader that serves it. */
export class StoredItems {
  readonly #documents: StoredDocuments;
  readonly #admissions: Admissions;
  readonly #decisions: Decisions;
  readonly #documentPage: Database.Statement<unknown[], DocumentRow>;
  readonly #letGo: Database.Statement;
  readonly #dropBody: Database.Statement;

  constructor(database: Database.Database, readers: { documents: StoredDocuments; admissions: Admissions; decisions: Decisions }) {
    this.#documents = readers.documents;
    this.#admissions = readers.admissions;
    this.#decisions = readers.decisions;
    this.#documentPage = database.prepare<unknown[], DocumentRow>(
      "SELECT id, repository, key FROM documents WHERE id > ? AND let_go = 0 ORDER BY id LIMIT ?",
    );
    this.#letGo = database.prepare("UPDATE documents SET let_go = 1, etag = NULL, last_modified = NULL WHERE id = ?");
    this.#dropBody = database.prepare("DELETE FROM document_bodies WHERE document_id = ?");
  }

  /**
   * Documents were parsed before they were stored, and every byte of them by its checksum and its digest is what was parsed then: that is what is looked at.
   * What can be found out no sooner than with its verifier, evidence, is verified with its archive.
   */
  async documentsFrom(position: string): Promise<CheckedPage> {
    const rows = this.#documentPage.all(numberOf(position, 0), PAGE_DOCUMENTS);
    const faults: IndexFault[] = [];
    let bytes = 0;
    for (const row of rows) {
      try {
        const packed = this.#documents.find(row);
        if (!packed) continue; // Let go meanwhile.
        const { body, revision } = await unpackDocument(packed);
        bytes += body.length;
        const computed = createHash("sha256").update(body).digest("hex");
        if (computed !== revision) throw new AssayError("STORE_CORRUPT", `expected sha256 ${revision}, got ${computed}`);
      } catch (error) {
        faults.push({ subject: `document ${row.key} of ${row.repository}`, detail: corruption(error), document: row.id });
      }
    }
    return { checked: rows.length, bytes, faults, next: rows.at(-1)?.id.toString() };
  }

  /** Call within a transaction. What it listed stays: that is in rows of its own. */
  dropDocument(id: number): void {
    this.#letGo.run(id);
    this.#dropBody.run(id);
  }

  journalFrom(position: string): CheckedPage {
    const lines = this.#admissions.readable(numberOf(position, 0), PAGE_ROWS);
    const faults = lines.flatMap(({ id, fault }) => (fault === undefined ? [] : [{ subject: `journal line ${id}`, detail: fault }]));
    return { checked: lines.length, bytes: 0, faults, next: lines.at(-1)?.id.toString() };
  }

  decisionsFrom(position: string): CheckedPage {
    const from = numberOf(position, -1) + 1;
    const entries = this.#decisions.readable(from, PAGE_ROWS);
    const faults = entries.flatMap(({ position: found, fault }, at): IndexFault[] => {
      const subject = `decision ${from + at}`;
      if (found !== from + at) return [{ subject, detail: `expected entry ${from + at}, got ${found}` }];
      return fault === undefined ? [] : [{ subject, detail: fault }];
    });
    return { checked: entries.length, bytes: 0, faults, next: entries.at(-1)?.position.toString() };
  }
}

function numberOf(position: string, none: number): number {
  return position === "" ? none : Number(position);
}
