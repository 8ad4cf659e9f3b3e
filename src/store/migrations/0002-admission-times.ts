/** Age rules judge an archive from its journal line alone, so the line keeps what the index said of its age. Null in lines from before, and where it said nothing. */
export const admissionTimes = `
  ALTER TABLE admissions ADD COLUMN published_at INTEGER;
  ALTER TABLE admissions ADD COLUMN first_seen_at INTEGER;
`;
