import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Viewings of the original file besides those of its playback copy, what players report of them, and how far each is on record. */
export class ViewingsInProgress1763600000024 implements MigrationInterface {
  name = 'ViewingsInProgress1763600000024';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE viewings
        ALTER rendition_id DROP NOT NULL,
        ADD COLUMN of text NOT NULL DEFAULT 'playback' CHECK (of IN ('playback', 'original')),
        -- When its entry had its place in the log, and of an original a trusted checkpoint over it: nothing is sent before.
        ADD COLUMN ready_at timestamptz(3),
        ADD COLUMN progressed_at timestamptz(3),
        -- What was put on record then.
        ADD COLUMN progress jsonb,
        ADD CHECK ((of = 'playback') = (rendition_id IS NOT NULL));
      UPDATE viewings SET ready_at = opened_at, progressed_at = opened_at;
      ALTER TABLE viewings ALTER of DROP DEFAULT, ALTER progressed_at SET NOT NULL;

      -- Of the original file: where what is sent begins.
      ALTER TABLE viewing_deliveries ADD COLUMN first_byte bigint;

      -- What a player said it showed. A refused report keeps its number, so that sending it again tells the same.
      CREATE TABLE viewing_reports (
        viewing_id uuid NOT NULL REFERENCES viewings,
        seq int NOT NULL,
        sha256 bytea NOT NULL,
        refused boolean NOT NULL,
        played jsonb NOT NULL,
        seeks int NOT NULL,
        pauses int NOT NULL,
        hidden_ms int NOT NULL,
        speed_percent int NOT NULL,
        at timestamptz(3) NOT NULL,
        PRIMARY KEY (viewing_id, seq)
      );
      GRANT SELECT, INSERT ON viewing_reports TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('What players reported is not thrown away.'));
  }
}
