/** How many blobs there are and how large they are together, kept as they come and go: to add up a million rows takes longer than anybody should wait. */
export const storeTotals = `
  CREATE TABLE store_totals (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    blobs      INTEGER NOT NULL,
    blob_bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO store_totals SELECT 1, count(*), coalesce(sum(size_bytes), 0) FROM blobs;
  CREATE TRIGGER blobs_come AFTER INSERT ON blobs BEGIN
    UPDATE store_totals SET blobs = blobs + 1, blob_bytes = blob_bytes + new.size_bytes;
  END;
  CREATE TRIGGER blobs_go AFTER DELETE ON blobs BEGIN
    UPDATE store_totals SET blobs = blobs - 1, blob_bytes = blob_bytes - old.size_bytes;
  END;
`;
