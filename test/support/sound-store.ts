import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";

/** Holds a data folder to what no crash may change: the index is whole, every blob is what its name says, and every row has its blob. Answers the digests that are held. */
export function expectSoundStore(dataDir: string): ReadonlySet<string> {
  const stored = new Set(blobPaths(join(dataDir, "blobs-v1")).map(digestOfSound));
  if (!existsSync(join(dataDir, "assay.db"))) return new Set();
  const database = new Database(join(dataDir, "assay.db"));
  try {
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    // A process that was killed while it made the database left none of its tables.
    if (!database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'blobs'").get()) return new Set();
    const held = database.prepare("SELECT lower(hex(digest)) FROM blobs").pluck().all().map(String);
    for (const digest of held) expect(stored).toContain(digest);
    return new Set(held);
  } finally {
    database.close();
  }
}

function digestOfSound(path: string): string {
  const named = path.split("/").at(-1) ?? "";
  expect(createHash("sha256").update(readFileSync(path)).digest("hex")).toBe(named);
  return named;
}

function blobPaths(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
