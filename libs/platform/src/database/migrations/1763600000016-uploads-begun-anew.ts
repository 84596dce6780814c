import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Parts of an upload that the object store has lost are forgotten, so that their sender sends them again. What became of a part is on record. */
export class UploadsBegunAnew1763600000016 implements MigrationInterface {
  name = 'UploadsBegunAnew1763600000016';

  async up(db: QueryRunner): Promise<void> {
    await db.query('GRANT DELETE ON upload_parts TO custodiet_app');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('REVOKE DELETE ON upload_parts FROM custodiet_app');
  }
}
