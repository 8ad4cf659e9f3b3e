import Database from "better-sqlite3";
import { AssayError } from "../../core/errors.ts";

/** What a failed database call means to a caller. What is not SQLite's is handed back as it is. `doing` completes "could not …". */
export function sqliteError(error: unknown, doing: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const { code } = error;
  const message = `could not ${doing}: ${code}`;
  // Extended codes begin with the plain one: SQLITE_CORRUPT_INDEX, SQLITE_BUSY_SNAPSHOT.
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") {
    return new AssayError("STORE_CORRUPT", message, {
      help: "move assay.db away and restore it from a backup; without one Assay starts an empty index and fetches again",
      cause: error,
    });
  }
  if (code.startsWith("SQLITE_FULL")) {
    return new AssayError("STORE_FULL", message, {
      help: "free space in the data folder, for instance with `assay gc`",
      retryAfterSeconds: 60,
      cause: error,
    });
  }
  if (code.startsWith("SQLITE_BUSY")) {
    return new AssayError("BUSY", message, { help: "another process is writing; ask again", retryAfterSeconds: 1, cause: error });
  }
  return new AssayError("STORE_IO", message, { help: "see the log for what SQLite said", cause: error });
}
