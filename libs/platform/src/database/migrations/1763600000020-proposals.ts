import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a tracker or detector proposes to cover. Proposals change nothing: a person copies them into a plan. */
export class Proposals1763600000020 implements MigrationInterface {
  name = 'Proposals1763600000020';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE redaction_proposals (
        id uuid PRIMARY KEY,
        recording_id uuid NOT NULL REFERENCES recordings,
        asked jsonb NOT NULL,
        author_id uuid NOT NULL REFERENCES people,
        state text NOT NULL CHECK (state IN ('running', 'ready', 'failed')),
        failure text,
        tracks jsonb,
        incomplete boolean NOT NULL DEFAULT false,
        model text,
        version text,
        threshold text,
        created_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3),
        CHECK (state <> 'ready' OR (tracks IS NOT NULL AND model IS NOT NULL AND version IS NOT NULL AND threshold IS NOT NULL))
      );
      CREATE INDEX redaction_proposals_recording ON redaction_proposals (recording_id);
      GRANT SELECT, INSERT, UPDATE ON redaction_proposals TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE redaction_proposals');
  }
}
