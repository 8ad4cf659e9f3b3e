import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { AssayError } from "../../core/errors.ts";
import { FILE_MODE } from "../folders.ts";
import { MIGRATIONS } from "../migrations/index.ts";
import { storeError } from "../store-error.ts";
import { DecisionHashes } from "./decision-hashes.ts";
import { sqliteError } from "./sqlite-error.ts";

/** "Assy": marks a database as ours, in SQLite's header field for that. https://www.sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x41737379;

/** How long a write waits for one of another process. It blocks this process too, and no write of ours takes a tenth of it. */
const BUSY_TIMEOUT_MS = 5_000;

/** Switching a fresh database to WAL answers SQLITE_BUSY at once, timeout or not, while another process does the same. */
const OPEN_ATTEMPTS = 50;
const OPEN_PAUSE_MS = 100;

/** A write-ahead log that one huge document made long is cut back to this once it is checkpointed. */
const WAL_BYTES = 64 * 1024 * 1024;

/**
 * Opens, or makes, the index database and brings its schema up to date.
 * Throws CONFIG_INVALID for one that a newer Assay or another program wrote, STORE_CORRUPT, STORE_FULL, STORE_IO, BUSY.
 */
export async function openDatabase(path: string): Promise<Database.Database> {
  await makePrivate(path);
  for (let attempt = 1; ; attempt++) {
    try {
      return openOnce(path);
    } catch (error) {
      if (!(error instanceof AssayError && error.code === "BUSY" && attempt < OPEN_ATTEMPTS)) throw error;
    }
    await sleep(OPEN_PAUSE_MS);
  }
}

/** SQLite would make the file readable by everyone; its log and shared memory inherit the file's mode. */
async function makePrivate(path: string): Promise<void> {
  try {
    await (await open(path, "a", FILE_MODE)).close();
  } catch (error) {
    throw storeError(error, "make the index database");
  }
}

function openOnce(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    checkOwner(database);
    // Of use in an empty database only, and before anything is written to it: what gc frees can then be given back to the disk without a rewrite.
    database.pragma("auto_vacuum = INCREMENTAL");
    database.pragma("journal_mode = WAL");
    // FULL: a commit is on the disk when it returns. The default with WAL may lose the last ones when the power fails.
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    database.pragma("trusted_schema = OFF");
    database.pragma(`journal_size_limit = ${WAL_BYTES}`);
    migrate(database);
    new DecisionHashes(database).catchUp();
    return database;
  } catch (error) {
    database?.close();
    throw sqliteError(error, "open the index database");
  }
}

function checkOwner(database: Database.Database): void {
  // In this order: a process that is filling the database between the two reads has marked it by the second.
  const isEmpty = database.pragma("schema_version", { simple: true }) === 0;
  const owner = database.pragma("application_id", { simple: true });
  if (owner === APPLICATION_ID || (owner === 0 && isEmpty)) return;
  throw new AssayError("CONFIG_INVALID", "assay.db in the data folder is not Assay's database, but another program's", {
    help: "point `data` at a folder of its own",
  });
}

function migrate(database: Database.Database): void {
  // Immediate: of two processes that start together, the second finds the work done.
  const apply = database.transaction(() => {
    const version = Number(database.pragma("user_version", { simple: true }));
    if (version > MIGRATIONS.length) {
      throw new AssayError("CONFIG_INVALID", `the index has schema ${version}, this Assay knows schemas up to ${MIGRATIONS.length}`, {
        help: "run the newer Assay that wrote it, or restore the data folder from before",
      });
    }
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  if (database.pragma("user_version", { simple: true }) !== MIGRATIONS.length) apply.immediate();
}
