/** What is counted, day by day (in UTC, days since the epoch), and how long upstreams took. As many rows a day as there are repositories and upstreams, and old days are removed. */
export const activity = `
  CREATE TABLE counter_days (
    day        INTEGER NOT NULL,
    repository TEXT NOT NULL,
    counter    TEXT NOT NULL,
    value      INTEGER NOT NULL,
    PRIMARY KEY (day, repository, counter)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE upstream_days (
    day      INTEGER NOT NULL,
    upstream TEXT NOT NULL,
    failed   INTEGER NOT NULL,
    max_ms   INTEGER NOT NULL,
    PRIMARY KEY (day, upstream)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE upstream_latencies (
    day      INTEGER NOT NULL,
    upstream TEXT NOT NULL,
    -- Each reaches a quarter further than the one before.
    bucket   INTEGER NOT NULL,
    answers  INTEGER NOT NULL,
    PRIMARY KEY (day, upstream, bucket)
  ) STRICT, WITHOUT ROWID;
`;
