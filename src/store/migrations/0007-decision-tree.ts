/**
 * The hash tree over the decision log (RFC 6962): every hash that is complete, `number` counted from 0 at each level, written in the transaction that writes its entry. Entries from
 * before are put in when the database is opened. And every checkpoint that was signed, each before anybody was given it.
 */
export const decisionTree = `
  CREATE TABLE decision_hashes (
    level  INTEGER NOT NULL CHECK (level >= 0),
    number INTEGER NOT NULL CHECK (number >= 0),
    hash   BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER decision_hashes_stay BEFORE UPDATE ON decision_hashes BEGIN SELECT RAISE(ABORT, 'the hash tree is only ever added to'); END;
  CREATE TRIGGER decision_hashes_remain BEFORE DELETE ON decision_hashes BEGIN SELECT RAISE(ABORT, 'the hash tree is only ever added to'); END;

  CREATE TABLE decision_checkpoints (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL CHECK (size >= 0),
    -- The signed note.
    note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX decision_checkpoints_by_size ON decision_checkpoints (size, id);
  CREATE TRIGGER decision_checkpoints_stay BEFORE UPDATE ON decision_checkpoints BEGIN SELECT RAISE(ABORT, 'a signed checkpoint stays'); END;
  CREATE TRIGGER decision_checkpoints_remain BEFORE DELETE ON decision_checkpoints BEGIN SELECT RAISE(ABORT, 'a signed checkpoint stays'); END;
`;
