/** Times are milliseconds since the epoch. Digests are bytes, not hexadecimal text: half the size in every index. */
export const initial = `
  -- A package as one repository has it. The same name in two repositories is two packages.
  CREATE TABLE packages (
    id         INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    name       TEXT NOT NULL,
    UNIQUE (repository, name)
  ) STRICT;

  -- One archive that was ever listed or asked for.
  CREATE TABLE artifacts (
    id            INTEGER PRIMARY KEY,
    package_id    INTEGER NOT NULL REFERENCES packages (id),
    version       TEXT NOT NULL,
    file          TEXT NOT NULL,
    -- When an index first listed it. Null until one does, and never changed afterwards: age rules rest on it.
    first_seen_at INTEGER,
    UNIQUE (package_id, version, file)
  ) STRICT;

  CREATE TABLE upstreams (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  -- Upstream documents with what is needed to revalidate them.
  CREATE TABLE documents (
    id            INTEGER PRIMARY KEY,
    repository    TEXT NOT NULL,
    key           TEXT NOT NULL,
    upstream_id   INTEGER NOT NULL REFERENCES upstreams (id),
    url           TEXT NOT NULL,
    content_type  TEXT NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    revision      TEXT NOT NULL,
    fetched_at    INTEGER NOT NULL,
    validated_at  INTEGER NOT NULL,
    UNIQUE (repository, key)
  ) STRICT;

  -- Apart from their documents, so that a revalidation does not rewrite megabytes.
  CREATE TABLE document_bodies (
    document_id INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    body_zstd   BLOB NOT NULL,
    -- Bytes once decompressed: more than this is never unpacked.
    body_bytes  INTEGER NOT NULL
  ) STRICT;

  -- What one document says about one archive. Kept, with listed = 0, when the document says it no more.
  CREATE TABLE listed_files (
    id           INTEGER PRIMARY KEY,
    document_id  INTEGER NOT NULL REFERENCES documents (id),
    artifact_id  INTEGER NOT NULL REFERENCES artifacts (id),
    upstream_id  INTEGER NOT NULL REFERENCES upstreams (id),
    url          TEXT NOT NULL,
    size_bytes   INTEGER,
    published_at INTEGER,
    -- JSON, the ecosystem's own.
    extra        TEXT,
    listed       INTEGER NOT NULL CHECK (listed IN (0, 1)),
    changed_at   INTEGER NOT NULL,
    -- Digest over everything above that upstream said: tells the changed rows of a new listing without reading all of the old.
    fingerprint  TEXT NOT NULL,
    UNIQUE (document_id, artifact_id)
  ) STRICT;
  CREATE INDEX listed_files_by_artifact ON listed_files (artifact_id);

  CREATE TABLE claimants (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  -- Digests claimed by a listing, in its order.
  CREATE TABLE claims (
    listed_file_id INTEGER NOT NULL REFERENCES listed_files (id) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    algorithm      TEXT NOT NULL,
    digest         BLOB NOT NULL,
    claimant_id    INTEGER NOT NULL REFERENCES claimants (id),
    PRIMARY KEY (listed_file_id, position)
  ) STRICT, WITHOUT ROWID;

  -- Bytes that were admitted at least once.
  CREATE TABLE blobs (
    digest            BLOB PRIMARY KEY,
    size_bytes        INTEGER NOT NULL,
    first_admitted_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The journal: one line a decision, only ever added to. The newest admit line of an archive is its commit point.
  -- It names bytes by digest without a reference to blobs: refused bytes are not kept, and a line outlives a blob that is evicted.
  CREATE TABLE admissions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    artifact_id INTEGER NOT NULL REFERENCES artifacts (id),
    ecosystem   TEXT NOT NULL,
    decided_at  INTEGER NOT NULL,
    decision    TEXT NOT NULL CHECK (decision IN ('admit', 'refuse')),
    digest      BLOB NOT NULL,
    size_bytes  INTEGER NOT NULL,
    url         TEXT NOT NULL,
    upstream_id INTEGER NOT NULL REFERENCES upstreams (id),
    -- JSON, all three: read and written whole, never searched.
    claims      TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    verdict     TEXT NOT NULL
  ) STRICT;
  CREATE INDEX admissions_by_artifact ON admissions (artifact_id, id);
  CREATE INDEX admissions_admitted ON admissions (artifact_id, id) WHERE decision = 'admit';

  CREATE TABLE counters (
    repository TEXT NOT NULL,
    counter    TEXT NOT NULL,
    value      INTEGER NOT NULL,
    PRIMARY KEY (repository, counter)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    key        TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX leases_by_expiry ON leases (expires_at);
`;
