import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Redaction1763600000005 implements MigrationInterface {
  name = 'Redaction1763600000005';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE redactions (
        id uuid PRIMARY KEY,
        recording_id uuid NOT NULL REFERENCES recordings,
        plan jsonb NOT NULL,
        plan_sha256 bytea NOT NULL CHECK (length(plan_sha256) = 32),
        reason text NOT NULL,
        author_id uuid NOT NULL REFERENCES people,
        state text NOT NULL CHECK (state IN ('rendering', 'sealed', 'failed')),
        failure text,
        result_id uuid REFERENCES recordings,
        created_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3)
      );
      CREATE INDEX redactions_recording ON redactions (recording_id);
      GRANT SELECT, INSERT, UPDATE ON redactions TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE redactions');
  }
}
