import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Only maps of heads are looked for by their type; an index over all types cost every entry. */
export class FewerIndexes1763600000012 implements MigrationInterface {
  name = 'FewerIndexes1763600000012';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP INDEX custody_entries_type;
      CREATE INDEX custody_entries_heads ON custody_entries (index) WHERE type = 'log.heads';
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
