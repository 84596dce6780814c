import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Lets a payload be destroyed when the log says so: a later entry `payload.erased` about the same subject, whose own payload is there and is the
 * one committed to, names its entry. libs/tlog/README.md, "A payload is erased when…"
 */
export class Erasure1763600000009 implements MigrationInterface {
  name = 'Erasure1763600000009';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      DROP TRIGGER custody_payloads_rows ON custody_payloads;
      CREATE TRIGGER custody_payloads_rows BEFORE UPDATE ON custody_payloads FOR EACH ROW EXECUTE FUNCTION refuse_change();
      ALTER TABLE custody_payloads ENABLE ALWAYS TRIGGER custody_payloads_rows;

      -- None for a text that names nothing: an entry written in another way must not stand in the way of every later erasure.
      CREATE FUNCTION named_in_erasure(payload text) RETURNS SETOF text LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
        BEGIN
          RETURN QUERY SELECT jsonb_array_elements_text(payload::jsonb #> '{event,entries}');
        EXCEPTION WHEN data_exception THEN
          RETURN;
        END $$;

      -- Once a statement and not once a row, because an erasure may name ten thousand entries: row by row its list would be read as often.
      CREATE FUNCTION refuse_unsaid_erasure() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE unsaid uuid;
        BEGIN
          WITH placed AS NOT MATERIALIZED (
            SELECT id, subject, type, 0 AS waits, index AS place, decode(convert_from(header, 'UTF8')::json ->> 'pc', 'base64') AS pc
              FROM custody_entries
            UNION ALL SELECT id, subject, type, 1, ord, pc FROM custody_pending
          ), lost AS MATERIALIZED (
            SELECT gone.entry, placed.subject, placed.type, placed.waits, placed.place
              FROM gone LEFT JOIN placed ON placed.id = gone.entry
          ), said AS MATERIALIZED (
            SELECT erasure.subject, erasure.waits, erasure.place, named.entry
              FROM (SELECT DISTINCT subject FROM lost) AS about
              JOIN placed AS erasure ON erasure.subject = about.subject AND erasure.type = 'payload.erased'
              JOIN custody_payloads AS own ON own.entry = erasure.id
              CROSS JOIN LATERAL named_in_erasure(own.payload) AS named (entry)
              WHERE erasure.pc = sha256('custodiet/payload/v1'::bytea || '\\x00'::bytea || own.salt || convert_to(own.payload, 'UTF8'))
          )
          SELECT entry INTO unsaid FROM (
            SELECT entry FROM lost WHERE type = 'payload.erased'
            UNION ALL SELECT entry FROM lost WHERE NOT EXISTS (
              SELECT FROM said WHERE said.entry = lost.entry::text AND said.subject = lost.subject
                AND (said.waits, said.place) > (lost.waits, lost.place)
            )
          ) AS refused LIMIT 1;
          IF FOUND THEN
            RAISE EXCEPTION 'DELETE of custody_payloads is refused: no entry says that the payload of % is erased', unsaid;
          END IF;
          RETURN NULL;
        END $$;
      CREATE TRIGGER custody_payloads_erase AFTER DELETE ON custody_payloads REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_unsaid_erasure();
      ALTER TABLE custody_payloads ENABLE ALWAYS TRIGGER custody_payloads_erase;

      -- The application's only way to delete: exactly what the entry names. Answers why nothing was destroyed: the log is frozen. Null when it was.
      CREATE FUNCTION custody_erase(about uuid, erasure uuid) RETURNS text
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
          frozen_because text;
          named uuid[];
          destroyed bigint;
        BEGIN
          SELECT CASE WHEN frozen THEN reason END INTO frozen_because FROM log_freezes ORDER BY id DESC LIMIT 1;
          IF frozen_because IS NOT NULL THEN RETURN frozen_because; END IF;
          SELECT array_agg(entry::uuid) INTO named FROM named_in_erasure((
            SELECT own.payload FROM custody_payloads AS own
              JOIN (SELECT id, subject FROM custody_entries UNION ALL SELECT id, subject FROM custody_pending) AS placed
                ON placed.id = own.entry
              WHERE own.entry = erasure AND placed.subject = about
          )) AS entry;
          DELETE FROM custody_payloads WHERE entry = ANY (named);
          GET DIAGNOSTICS destroyed = ROW_COUNT;
          IF destroyed IS DISTINCT FROM cardinality(named)::bigint THEN
            RAISE EXCEPTION 'nothing is erased: % is no entry that names payloads of % which are all there', erasure, about;
          END IF;
          RETURN NULL;
        END $$;
      REVOKE ALL ON FUNCTION custody_erase(uuid, uuid) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION custody_erase(uuid, uuid) TO custodiet_app;

      -- What was deleted stays in the file until VACUUM, which only the owner may ask for. So autovacuum comes for a single row, not for a fifth of the table.
      ALTER TABLE custody_payloads SET (
        autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
        toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0
      );
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
