import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What outsiders say about a signed checkpoint: witnesses' cosignatures and authorities' timestamps. Insert-only, like all of the log. */
export class LogOutsideChecks1763600000007 implements MigrationInterface {
  name = 'LogOutsideChecks1763600000007';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE log_cosignatures (
        size bigint NOT NULL,
        witness text NOT NULL,
        line text NOT NULL CHECK (line LIKE '— %' AND right(line, 1) = E'\\n'),
        at timestamptz NOT NULL,
        PRIMARY KEY (size, witness)
      );
      CREATE INDEX log_cosignatures_witness ON log_cosignatures (witness, size);

      CREATE TABLE log_timestamps (
        size bigint NOT NULL,
        authority text NOT NULL,
        -- The checkpoint with its signatures, exactly as it was timestamped.
        note text NOT NULL,
        response bytea NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (size, authority)
      );

      GRANT SELECT ON log_cosignatures, log_timestamps TO custodiet_app, custodiet_sequencer;
      GRANT INSERT ON log_cosignatures TO custodiet_sequencer;
      GRANT INSERT ON log_timestamps TO custodiet_app, custodiet_sequencer;
    `);
    for (const table of ['log_cosignatures', 'log_timestamps'])
      await db.query(`
        CREATE TRIGGER ${table}_rows BEFORE UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_rows;
        CREATE TRIGGER ${table}_truncate BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_truncate;
      `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
