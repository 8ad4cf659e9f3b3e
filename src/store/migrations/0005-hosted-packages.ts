/**
 * What is published here, by whom, and what was done with it since. Blobs that a version names are the only copy there is: whatever collects blobs must keep them.
 * Status, yanks, deprecations and tags change; everything else of a version is written once.
 */
export const hostedPackages = `
  CREATE TABLE tokens (
    id            TEXT PRIMARY KEY,
    -- The secret itself is never kept.
    secret_sha256 BLOB NOT NULL UNIQUE,
    owner         TEXT NOT NULL,
    -- JSON lists of texts, all three.
    scopes        TEXT NOT NULL,
    repositories  TEXT NOT NULL,
    packages      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE hosted_packages (
    id         INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    name       TEXT NOT NULL,
    owner      TEXT NOT NULL,
    UNIQUE (repository, name)
  ) STRICT;

  CREATE TABLE hosted_versions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    package_id   INTEGER NOT NULL REFERENCES hosted_packages (id),
    version      TEXT NOT NULL,
    -- The version without build metadata: two that differ in that alone could not be told apart by a range.
    precedence   TEXT NOT NULL,
    digest       BLOB NOT NULL,
    size_bytes   INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    published_by TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    yanked_at    INTEGER,
    -- JSON, all three.
    deprecated   TEXT,
    fields       TEXT NOT NULL,
    signatures   TEXT NOT NULL,
    UNIQUE (package_id, version),
    UNIQUE (package_id, precedence)
  ) STRICT;
  CREATE INDEX hosted_versions_pending ON hosted_versions (id) WHERE status = 'pending';
  CREATE TRIGGER hosted_versions_stay
    BEFORE UPDATE OF package_id, version, precedence, digest, size_bytes, published_at, published_by, fields, signatures ON hosted_versions
    BEGIN SELECT RAISE(ABORT, 'a published version does not change'); END;
  CREATE TRIGGER hosted_versions_remain BEFORE DELETE ON hosted_versions BEGIN SELECT RAISE(ABORT, 'a published version is never removed'); END;

  CREATE TABLE hosted_tags (
    package_id INTEGER NOT NULL REFERENCES hosted_packages (id),
    tag        TEXT NOT NULL,
    version_id INTEGER NOT NULL REFERENCES hosted_versions (id),
    PRIMARY KEY (package_id, tag)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE hosted_approvals (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL REFERENCES hosted_versions (id),
    approver   TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('approved', 'rejected')),
    comment    TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX hosted_approvals_by_version ON hosted_approvals (version_id, id);

  CREATE TABLE hosted_audit (
    position   INTEGER PRIMARY KEY CHECK (position >= 0),
    repository TEXT NOT NULL,
    package    TEXT NOT NULL,
    event      TEXT NOT NULL,
    actor      TEXT NOT NULL,
    at         INTEGER NOT NULL,
    -- Canonical JSON (RFC 8785) of the entry, its position and the SHA-256 of the text before it.
    entry      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX hosted_audit_by_package ON hosted_audit (repository, package, position);
  CREATE TRIGGER hosted_audit_stays BEFORE UPDATE ON hosted_audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
  CREATE TRIGGER hosted_audit_remains BEFORE DELETE ON hosted_audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
  CREATE TRIGGER hosted_audit_follows BEFORE INSERT ON hosted_audit
    WHEN new.position IS NOT (SELECT coalesce(max(position), -1) + 1 FROM hosted_audit)
    BEGIN SELECT RAISE(ABORT, 'the audit log has no gaps'); END;
`;
