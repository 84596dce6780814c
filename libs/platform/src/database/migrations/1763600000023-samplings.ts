import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Recordings to be reviewed, drawn by lot: the list, fixed before the lot is known, and what was drawn from it. */
export class Samplings1763600000023 implements MigrationInterface {
  name = 'Samplings1763600000023';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE samplings (
        id uuid PRIMARY KEY,
        purpose text NOT NULL,
        filter jsonb NOT NULL,
        draw int NOT NULL CHECK (draw > 0),
        population int NOT NULL CHECK (population >= draw),
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        committed_by uuid NOT NULL REFERENCES people,
        committed_at timestamptz(3) NOT NULL,
        -- The custody entry that fixed the list: only a checkpoint above it can be the lot.
        committed_entry uuid NOT NULL,
        checkpoint_size bigint,
        checkpoint text,
        seed bytea CHECK (length(seed) = 32),
        drawn_at timestamptz(3),
        CHECK ((drawn_at IS NULL) = (seed IS NULL) AND (drawn_at IS NULL) = (checkpoint IS NULL)
          AND (drawn_at IS NULL) = (checkpoint_size IS NULL))
      );
      CREATE INDEX samplings_waiting ON samplings (id) WHERE drawn_at IS NULL;

      CREATE TABLE sampling_recordings (
        sampling_id uuid NOT NULL REFERENCES samplings,
        recording_id uuid NOT NULL REFERENCES recordings,
        -- From 1, in the order of drawing; null where the lot did not fall on it.
        drawn_place int CHECK (drawn_place > 0),
        PRIMARY KEY (sampling_id, recording_id),
        UNIQUE (sampling_id, drawn_place)
      );
      CREATE INDEX sampling_recordings_drawn ON sampling_recordings (recording_id) WHERE drawn_place IS NOT NULL;

      GRANT SELECT, INSERT ON samplings, sampling_recordings TO custodiet_app;
      GRANT UPDATE (checkpoint_size, checkpoint, seed, drawn_at) ON samplings TO custodiet_app;
      GRANT UPDATE (drawn_place) ON sampling_recordings TO custodiet_app;

      -- For those who are told when nobody has reviewed an access taken in an emergency.
      CREATE INDEX access_requests_unreviewed ON access_requests (id) WHERE break_glass AND reviewed_at IS NULL;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('What was drawn by lot is not taken back.'));
  }
}
