import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Outbox1763600000000 implements MigrationInterface {
  name = 'Outbox1763600000000';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE outbox (
        id uuid PRIMARY KEY,
        job text NOT NULL,
        ref uuid NOT NULL,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        due_at timestamptz(3) NOT NULL DEFAULT now(),
        attempts int NOT NULL DEFAULT 0,
        last_error text,
        done_at timestamptz(3),
        parked_at timestamptz(3),
        UNIQUE (job, ref)
      );
      CREATE INDEX outbox_open ON outbox (due_at) WHERE done_at IS NULL AND parked_at IS NULL;
      GRANT SELECT, INSERT, UPDATE ON outbox TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE outbox');
  }
}
