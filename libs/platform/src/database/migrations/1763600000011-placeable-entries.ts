import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What no entry header can hold (libs/tlog/README.md) would wait for its place for ever, and all behind it too. */
export class PlaceableEntries1763600000011 implements MigrationInterface {
  name = 'PlaceableEntries1763600000011';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE custody_pending
        ADD CONSTRAINT custody_pending_type CHECK (type ~ '^[a-z0-9]+([.-][a-z0-9]+)*$' AND length(type) <= 64),
        ADD CONSTRAINT custody_pending_at CHECK (at BETWEEN '1970-01-01Z' AND '9999-12-31Z');
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
