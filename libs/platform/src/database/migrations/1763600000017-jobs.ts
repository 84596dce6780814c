import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a job is about, how urgent it is, how far it is, who runs it, and that it was cancelled. */
export class Jobs1763600000017 implements MigrationInterface {
  name = 'Jobs1763600000017';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE outbox
        ADD COLUMN recording uuid,
        ADD COLUMN priority int NOT NULL DEFAULT 3,
        ADD COLUMN started_at timestamptz(3),
        ADD COLUMN percent smallint CHECK (percent BETWEEN 0 AND 99),
        ADD COLUMN progressed_at timestamptz(3),
        ADD COLUMN starts int NOT NULL DEFAULT 0,
        ADD COLUMN worker uuid,
        ADD COLUMN cancelled_at timestamptz(3);
      UPDATE outbox SET recording = ref WHERE job IN ('seal', 'transcode', 'drop-upload');
      UPDATE outbox SET recording = c.recording_id FROM fixity_checks c WHERE job = 'fixity' AND c.id = ref;
      UPDATE outbox SET recording = r.recording_id FROM redactions r WHERE job = 'redact' AND r.id = ref;
      UPDATE outbox SET priority = (CASE WHEN job IN ('fixity', 'drop-upload') THEN 10 ELSE 0 END)
        + (CASE WHEN r.flagged THEN 1 WHEN job = 'redact' THEN 2 ELSE 3 END)
        FROM recordings r WHERE r.id = outbox.recording AND done_at IS NULL;
      DROP INDEX outbox_open;
      CREATE INDEX outbox_waiting ON outbox (job, priority, created_at) WHERE done_at IS NULL AND parked_at IS NULL AND cancelled_at IS NULL;
      CREATE INDEX outbox_undone ON outbox (id) WHERE done_at IS NULL;
      CREATE INDEX outbox_recording ON outbox (recording);
      ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
      ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check
        CHECK (kind IN ('quarantined', 'fixity-failed', 'upload-expired', 'sealing-stuck'));
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      DELETE FROM alerts WHERE kind = 'sealing-stuck';
      ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
      ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN ('quarantined', 'fixity-failed', 'upload-expired'));
      DROP INDEX outbox_waiting, outbox_undone, outbox_recording;
      CREATE INDEX outbox_open ON outbox (due_at) WHERE done_at IS NULL AND parked_at IS NULL;
      UPDATE outbox SET parked_at = coalesce(parked_at, cancelled_at) WHERE done_at IS NULL;
      ALTER TABLE outbox
        DROP COLUMN recording, DROP COLUMN priority, DROP COLUMN started_at, DROP COLUMN percent, DROP COLUMN progressed_at,
        DROP COLUMN starts, DROP COLUMN worker, DROP COLUMN cancelled_at;
    `);
  }
}
