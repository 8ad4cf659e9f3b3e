import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/** Faults that are told of one database. */
const MOST_FAULTS = 100;

// A look through a large database takes minutes, and its library knows no other way than to block.
const database = new Database(String(workerData), { readonly: true, fileMustExist: true });
const integrity = database.pragma(`integrity_check(${MOST_FAULTS})`) as readonly { readonly integrity_check: string }[];
const references = database.pragma("foreign_key_check") as readonly {
  readonly table: string;
  readonly rowid: number | null;
  readonly parent: string;
}[];
database.close();
parentPort?.postMessage([
  ...integrity
    .filter(({ integrity_check }) => integrity_check !== "ok")
    .map(({ integrity_check }) => ({ subject: "assay.db", detail: integrity_check })),
  ...references.slice(0, MOST_FAULTS).map(({ table, rowid, parent }) => ({
    subject: `row ${rowid ?? "?"} of ${table}`,
    detail: `refers to a row of ${parent} that is not there`,
  })),
]);
