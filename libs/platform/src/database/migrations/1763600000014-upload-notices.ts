import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whoever follows an upload is told of each step by NOTIFY. By a trigger, not by the code that takes the step: a recording changes its state in the
 * API, in the worker and on a schedule, and a step that forgot to tell would leave its followers waiting. Like a NOTIFY sent by hand it is
 * delivered at commit or not at all. Parts have a channel of their own: there are many, and whoever follows wants them once a second at most.
 */
export class UploadNotices1763600000014 implements MigrationInterface {
  name = 'UploadNotices1763600000014';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION tell_upload_state() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
      BEGIN
        PERFORM pg_notify('uploads', NEW.id::text);
        RETURN NULL;
      END $$;
      -- Rows are told of one by one: a trigger on a column cannot see all rows of a statement, and a transaction changes few.
      CREATE TRIGGER recordings_announced AFTER INSERT ON recordings
        FOR EACH ROW WHEN (NEW.state = 'receiving') EXECUTE FUNCTION tell_upload_state();
      CREATE TRIGGER recordings_state AFTER UPDATE OF state ON recordings
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION tell_upload_state();

      CREATE FUNCTION tell_upload_parts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
      BEGIN
        PERFORM pg_notify('upload_parts', recording_id::text) FROM (SELECT DISTINCT recording_id FROM added) AS parts;
        RETURN NULL;
      END $$;
      CREATE TRIGGER upload_parts_arrived AFTER INSERT ON upload_parts
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tell_upload_parts();

      -- What one person handed in, newest first.
      CREATE INDEX recordings_handed_in ON recordings (handed_in_by, id) WHERE handed_in_by IS NOT NULL;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP INDEX recordings_handed_in;
      DROP TRIGGER upload_parts_arrived ON upload_parts;
      DROP TRIGGER recordings_state ON recordings;
      DROP TRIGGER recordings_announced ON recordings;
      DROP FUNCTION tell_upload_parts();
      DROP FUNCTION tell_upload_state();
    `);
  }
}
