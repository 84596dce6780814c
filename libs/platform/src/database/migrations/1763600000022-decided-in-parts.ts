import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What deciding item by item needs besides: which seats of the rule somebody could have taken, and when a draft was submitted. */
export class DecidedInParts1763600000022 implements MigrationInterface {
  name = 'DecidedInParts1763600000022';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE access_requests ADD COLUMN submitted_at timestamptz(3);
      UPDATE access_requests SET submitted_at = created_at WHERE state <> 'draft';
      -- What the schedules look for: whatever can still run out.
      CREATE INDEX access_requests_running ON access_requests (wanted_until)
        WHERE state IN ('submitted', 'in-review', 'granted', 'partly-granted');

      -- Somebody with two roles may leave the one seat to another and take the other: how many seats are taken depends on all of them.
      ALTER TABLE access_decisions ADD COLUMN fills text[] CHECK (seat = ANY (fills));
      UPDATE access_decisions SET fills = ARRAY[seat];
      ALTER TABLE access_decisions ALTER fills SET NOT NULL;
      -- Less than what was asked for: from when, and for how many viewings.
      ALTER TABLE access_decisions ADD COLUMN starts_at timestamptz(3), ADD COLUMN viewings int CHECK (viewings > 0);
      CREATE INDEX delegations_from ON delegations (from_id, id);
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Decisions that people made are not taken back.'));
  }
}
