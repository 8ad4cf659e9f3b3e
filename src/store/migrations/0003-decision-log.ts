/**
 * Every verdict that somebody was told, in the order of telling. `entry` is the exact text that a hash tree is to be built over, `position` its leaf; the other columns
 * repeat what entries are looked for by. A journal line keeps the policy that decided it; lines from before have null.
 */
export const decisionLog = `
  CREATE TABLE decisions (
    position    INTEGER PRIMARY KEY CHECK (position >= 0),
    artifact_id INTEGER NOT NULL REFERENCES artifacts (id),
    ecosystem   TEXT NOT NULL,
    decided_at  INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('admit', 'admit-with-warnings', 'refuse', 'undecided')),
    -- Canonical JSON (RFC 8785).
    entry       TEXT NOT NULL
  ) STRICT;
  CREATE INDEX decisions_by_artifact ON decisions (artifact_id, position);
  CREATE INDEX decisions_by_time ON decisions (decided_at);
  CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log is only ever added to'); END;
  CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'the decision log is only ever added to'); END;
  -- Without it an entry could be replaced, or put between others.
  CREATE TRIGGER decisions_follow BEFORE INSERT ON decisions
    WHEN new.position IS NOT (SELECT coalesce(max(position), -1) + 1 FROM decisions)
    BEGIN SELECT RAISE(ABORT, 'the decision log has no gaps'); END;

  ALTER TABLE admissions ADD COLUMN policy TEXT;
`;
