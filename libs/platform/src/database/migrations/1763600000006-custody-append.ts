import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One call per custody entry, and the record of a frozen log. 7239463 is SEQUENCER_ASLEEP of libs/custody/src/sequencer-sleep.ts, which says
 * why only a sequencer that sleeps is notified: PostgreSQL lets transactions that notify commit one at a time.
 */
export class CustodyAppend1763600000006 implements MigrationInterface {
  name = 'CustodyAppend1763600000006';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      -- An entry's id is kept unique by custody_payloads, which gets its row in the same call; a second index cost every append.
      ALTER TABLE custody_pending DROP CONSTRAINT custody_pending_pkey;
      DROP INDEX custody_pending_ord;
      ALTER TABLE custody_pending ADD PRIMARY KEY (ord);

      -- Insert-only; the newest row counts. Only the owner can write frozen = false, which lifts it, with the reason why.
      CREATE TABLE log_freezes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        frozen boolean NOT NULL DEFAULT true,
        reason text NOT NULL CHECK (length(reason) > 0),
        at timestamptz(3) NOT NULL DEFAULT now(),
        by text NOT NULL DEFAULT current_user
      );
      CREATE TRIGGER log_freezes_rows BEFORE UPDATE OR DELETE ON log_freezes FOR EACH ROW EXECUTE FUNCTION refuse_change();
      ALTER TABLE log_freezes ENABLE ALWAYS TRIGGER log_freezes_rows;
      CREATE TRIGGER log_freezes_truncate BEFORE TRUNCATE ON log_freezes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      ALTER TABLE log_freezes ENABLE ALWAYS TRIGGER log_freezes_truncate;
      GRANT SELECT ON log_freezes TO custodiet_app, custodiet_sequencer;
      GRANT INSERT (reason) ON log_freezes TO custodiet_sequencer;

      -- Answers why nothing was written: the log is frozen and the entry would release evidence. Null when it was written.
      CREATE FUNCTION custody_append(
        new_id uuid, new_salt bytea, new_payload text, new_subject uuid, new_type text, new_at timestamptz, new_actor uuid,
        new_sha256 bytea, new_pc bytea, releases boolean
      ) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE frozen_because text;
        BEGIN
          IF releases THEN
            SELECT CASE WHEN frozen THEN reason END INTO frozen_because FROM log_freezes ORDER BY id DESC LIMIT 1;
            IF frozen_because IS NOT NULL THEN RETURN frozen_because; END IF;
          END IF;
          INSERT INTO custody_payloads (entry, salt, payload) VALUES (new_id, new_salt, new_payload);
          INSERT INTO custody_pending (id, subject, type, at, actor, sha256, pc)
            VALUES (new_id, new_subject, new_type, new_at, new_actor, new_sha256, new_pc);
          IF NOT pg_try_advisory_xact_lock_shared(7239463) THEN NOTIFY custody_pending; END IF;
          RETURN NULL;
        END $$;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
