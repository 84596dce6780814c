import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a camera says of a recording, files handed in by people, uploads that are given up, fixity, cameras and alerts. */
export class Docking1763600000013 implements MigrationInterface {
  name = 'Docking1763600000013';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE recordings
        ALTER COLUMN camera DROP NOT NULL,
        ALTER COLUMN officer_badge DROP NOT NULL,
        ADD COLUMN origin text NOT NULL DEFAULT 'dock' CHECK (origin IN ('dock', 'handed-in', 'derived')),
        ADD COLUMN handed_in_by uuid REFERENCES people,
        ADD COLUMN counter bigint CHECK (counter >= 0),
        ADD COLUMN pre_event_seconds int CHECK (pre_event_seconds >= 0),
        ADD COLUMN category text,
        ADD COLUMN flagged boolean NOT NULL DEFAULT false,
        ADD COLUMN gps_track jsonb,
        ADD COLUMN fixity_due_at timestamptz(3),
        ADD COLUMN fixity_checked_at timestamptz(3),
        ADD COLUMN fixity_failed_at timestamptz(3),
        DROP CONSTRAINT recordings_state_check,
        ADD CONSTRAINT recordings_state_check CHECK (state IN ('receiving', 'sealing', 'sealed', 'quarantined', 'expired'));
      UPDATE recordings SET origin = 'derived' WHERE parent_id IS NOT NULL;
      ALTER TABLE recordings ADD CHECK ((origin = 'derived') = (parent_id IS NOT NULL));
      ALTER TABLE recordings ADD CHECK ((origin = 'handed-in') = (handed_in_by IS NOT NULL));
      -- A file whose upload was given up may be announced again, like one that was quarantined.
      DROP INDEX recordings_sha256_once;
      CREATE UNIQUE INDEX recordings_sha256_once ON recordings (sha256)
        WHERE state NOT IN ('quarantined', 'expired') AND parent_id IS NULL;
      CREATE INDEX recordings_receiving ON recordings (announced_at) WHERE state = 'receiving';
      CREATE INDEX recordings_fixity ON recordings (fixity_due_at) WHERE state = 'sealed' AND fixity_failed_at IS NULL;
      CREATE INDEX recordings_counter ON recordings (camera, counter) WHERE counter IS NOT NULL;
      CREATE INDEX recordings_manifest ON recordings (manifest_id);
      ALTER TABLE upload_parts ADD COLUMN received_at timestamptz(3) NOT NULL DEFAULT now();

      CREATE TABLE fixity_checks (
        id uuid PRIMARY KEY,
        recording_id uuid NOT NULL REFERENCES recordings,
        due_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        outcome text CHECK (outcome IN ('verified', 'failed')),
        problem text,
        CHECK ((ended_at IS NULL) = (outcome IS NULL))
      );
      CREATE UNIQUE INDEX fixity_checks_one_open ON fixity_checks (recording_id) WHERE ended_at IS NULL;
      CREATE INDEX fixity_checks_recording ON fixity_checks (recording_id, id);

      CREATE TABLE cameras (
        id uuid PRIMARY KEY,
        serial text NOT NULL UNIQUE,
        model text,
        registered_at timestamptz(3) NOT NULL,
        retired_at timestamptz(3)
      );
      CREATE TABLE camera_assignments (
        id uuid PRIMARY KEY,
        camera_id uuid NOT NULL REFERENCES cameras,
        person_id uuid NOT NULL REFERENCES people,
        assigned_from timestamptz(3) NOT NULL,
        assigned_until timestamptz(3),
        CHECK (assigned_until > assigned_from)
      );
      -- A camera is worn by one officer at a time; the end is not part of the span.
      CREATE EXTENSION IF NOT EXISTS btree_gist;
      ALTER TABLE camera_assignments ADD CONSTRAINT camera_assignments_one_at_a_time
        EXCLUDE USING gist (camera_id WITH =, tstzrange(assigned_from, assigned_until) WITH &&);

      CREATE TABLE alerts (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('quarantined', 'fixity-failed', 'upload-expired')),
        recording_id uuid NOT NULL REFERENCES recordings,
        detail text NOT NULL,
        raised_at timestamptz(3) NOT NULL,
        acknowledged_at timestamptz(3),
        acknowledged_by uuid REFERENCES people,
        note text
      );
      CREATE INDEX alerts_open ON alerts (id) WHERE acknowledged_at IS NULL;
      GRANT SELECT, INSERT, UPDATE ON fixity_checks, cameras, camera_assignments, alerts TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('What cameras and people said of a recording is not taken back.'));
  }
}
