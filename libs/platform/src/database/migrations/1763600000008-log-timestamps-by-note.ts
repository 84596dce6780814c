import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A checkpoint gathers cosignatures, and each set of them is another note with a timestamp of its own: one authority may have several of
 * one size. By digest, because a note may be longer than an index takes. Nothing wrote to the table before, so no row is without one.
 */
export class LogTimestampsByNote1763600000008 implements MigrationInterface {
  name = 'LogTimestampsByNote1763600000008';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE log_timestamps
        DROP CONSTRAINT log_timestamps_pkey,
        ADD COLUMN note_sha256 bytea NOT NULL CHECK (note_sha256 = sha256(convert_to(note, 'UTF8'))),
        ADD PRIMARY KEY (size, authority, note_sha256);
      CREATE INDEX log_timestamps_newest ON log_timestamps (authority, at);
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
