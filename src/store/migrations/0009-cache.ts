/**
 * What the life of a cache rests on: when archives and documents were used last, what is pinned, which bytes were let go and why, and what was found when the store was looked
 * through. What was known before counts as used when it came, and documents whose package nobody noted are never let go.
 */
export const cache = `
  ALTER TABLE blobs ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
  UPDATE blobs SET last_used_at = first_admitted_at;
  CREATE INDEX blobs_by_use ON blobs (last_used_at, digest);
  CREATE INDEX admissions_by_digest ON admissions (digest) WHERE decision = 'admit';
  CREATE INDEX hosted_versions_by_digest ON hosted_versions (digest);

  ALTER TABLE documents ADD COLUMN package TEXT;
  ALTER TABLE documents ADD COLUMN last_used_at INTEGER;
  -- Its body was let go to save space. The row stays: whose a name is must stay known.
  ALTER TABLE documents ADD COLUMN let_go INTEGER NOT NULL DEFAULT 0 CHECK (let_go IN (0, 1));

  -- Bytes that are about to come in under the lease: they count as if they were here.
  ALTER TABLE leases ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;

  -- The newest removal of each blob. Numbers only grow, so that a process that serves from memory sees what another one removed.
  CREATE TABLE blob_removals (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     BLOB NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    removed_at INTEGER NOT NULL,
    why        TEXT NOT NULL CHECK (why IN ('age', 'size', 'damaged', 'missing'))
  ) STRICT;

  CREATE TABLE pins (
    pattern   TEXT PRIMARY KEY,
    -- The lock file that it is from.
    source    TEXT,
    pinned_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE scrub_runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    -- How far it has come: the check under way, and what it looked at last.
    check_name  TEXT NOT NULL,
    position    TEXT NOT NULL
  ) STRICT;
  -- A line for each check of a run, and one for each thing that it found.
  CREATE TABLE scrub_results (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     INTEGER NOT NULL REFERENCES scrub_runs (id),
    at         INTEGER NOT NULL,
    check_name TEXT NOT NULL,
    -- Null in the line of the check itself.
    subject    TEXT,
    outcome    TEXT NOT NULL CHECK (outcome IN ('clean', 'found', 'damaged', 'missing', 'restored', 'lost')),
    detail     TEXT NOT NULL
  ) STRICT;
  CREATE INDEX scrub_results_by_run ON scrub_results (run_id, id);
`;
