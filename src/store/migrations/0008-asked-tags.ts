/**
 * The tag that a version was published with. One that waits for approval carries it from its approval on: until then nobody could follow the tag, and who may publish but not
 * approve could take it from the version that has it. Tags that were taken that way move here.
 */
export const askedTags = `
  ALTER TABLE hosted_versions ADD COLUMN tag TEXT;
  UPDATE hosted_versions SET tag = (SELECT t.tag FROM hosted_tags t WHERE t.version_id = hosted_versions.id) WHERE status <> 'approved';
  DELETE FROM hosted_tags WHERE version_id IN (SELECT id FROM hosted_versions WHERE status <> 'approved');
  CREATE TRIGGER hosted_versions_keep_tag BEFORE UPDATE OF tag ON hosted_versions BEGIN SELECT RAISE(ABORT, 'a published version does not change'); END;
`;
