/**
 * Which commit each ref of a mirrored git repository is served as, and what upstream had there when it was last asked. Written before the refs on disk are moved, so a crash between the
 * two is put right by the next request. The history is only ever added to.
 */
export const gitRefs = `
  CREATE TABLE git_repositories (
    id         INTEGER PRIMARY KEY,
    -- HOST/OWNER/NAME
    name       TEXT NOT NULL UNIQUE,
    head       TEXT,
    checked_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE git_refs (
    repository_id INTEGER NOT NULL REFERENCES git_repositories (id),
    ref           TEXT NOT NULL,
    object        TEXT,
    upstream      TEXT,
    PRIMARY KEY (repository_id, ref)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE git_ref_changes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL REFERENCES git_repositories (id),
    ref           TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('created', 'forwarded', 'deleted', 'rewritten', 'refused', 'displaced')),
    before        TEXT,
    after         TEXT,
    at            INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX git_ref_changes_by_repository ON git_ref_changes (repository_id, id);
  CREATE TRIGGER git_ref_changes_stay BEFORE UPDATE ON git_ref_changes BEGIN SELECT RAISE(ABORT, 'the history of git refs is only ever added to'); END;
  CREATE TRIGGER git_ref_changes_remain BEFORE DELETE ON git_ref_changes BEGIN SELECT RAISE(ABORT, 'the history of git refs is only ever added to'); END;
`;
