import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The custody log. Roles and triggers are guard-rails; the evidence is the mathematics (DESIGN.md §5). */
export class CustodyLog1763600000001 implements MigrationInterface {
  name = 'CustodyLog1763600000001';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT USAGE ON SCHEMA public TO custodiet_app, custodiet_sequencer;

      CREATE TABLE log_state (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        origin text NOT NULL,
        size bigint NOT NULL CHECK (size >= 0),
        peaks bytea NOT NULL
      );
      CREATE TABLE log_keys (
        vkey text PRIMARY KEY,
        added_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE custody_pending (
        ord bigint GENERATED ALWAYS AS IDENTITY,
        id uuid PRIMARY KEY,
        subject uuid NOT NULL,
        type text NOT NULL,
        at timestamptz(3) NOT NULL,
        actor uuid,
        sha256 bytea CHECK (length(sha256) = 32),
        pc bytea NOT NULL CHECK (length(pc) = 32)
      );
      CREATE INDEX custody_pending_ord ON custody_pending (ord);
      CREATE TABLE custody_payloads (
        entry uuid PRIMARY KEY,
        salt bytea NOT NULL CHECK (length(salt) = 32),
        payload text NOT NULL
      );

      CREATE TABLE custody_entries (
        index bigint PRIMARY KEY CHECK (index >= 0),
        id uuid NOT NULL UNIQUE,
        subject uuid NOT NULL,
        seq bigint NOT NULL CHECK (seq >= 0),
        type text NOT NULL,
        at timestamptz(3) NOT NULL,
        actor uuid,
        header bytea NOT NULL,
        leaf_hash bytea NOT NULL CHECK (leaf_hash = sha256('\\x00'::bytea || header)),
        UNIQUE (subject, seq)
      );
      CREATE INDEX custody_entries_actor ON custody_entries (actor, index);
      CREATE INDEX custody_entries_type ON custody_entries (type, index);

      CREATE TABLE log_tiles (
        level smallint NOT NULL,
        index bigint NOT NULL,
        hashes bytea NOT NULL CHECK (length(hashes) % 32 = 0 AND length(hashes) BETWEEN 32 AND 8192),
        PRIMARY KEY (level, index)
      );
      CREATE TABLE log_checkpoints (
        size bigint PRIMARY KEY,
        root bytea NOT NULL CHECK (length(root) = 32),
        note text NOT NULL,
        signed_at timestamptz(3) NOT NULL
      );

      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% of % is refused: the custody log only grows', TG_OP, TG_TABLE_NAME; END $$;
      CREATE FUNCTION refuse_shrinking_tile() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.level <> OLD.level OR NEW.index <> OLD.index OR substring(NEW.hashes FOR length(OLD.hashes)) <> OLD.hashes THEN
            RAISE EXCEPTION 'a tile may only be extended';
          END IF;
          RETURN NEW;
        END $$;
      CREATE FUNCTION refuse_shrinking_log() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.size <= OLD.size OR NEW.origin <> OLD.origin THEN RAISE EXCEPTION 'the log may only grow'; END IF;
          RETURN NEW;
        END $$;
    `);
    const refuse = async (table: string, operations: string): Promise<void> => {
      const row = operations.split(' OR ').filter((operation) => operation !== 'TRUNCATE');
      if (row.length > 0)
        await db.query(`CREATE TRIGGER ${table}_rows BEFORE ${row.join(' OR ')} ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
                        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_rows`);
      await db.query(`CREATE TRIGGER ${table}_truncate BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
                      ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_truncate`);
    };
    for (const table of ['custody_entries', 'custody_payloads', 'log_checkpoints', 'log_keys'])
      await refuse(table, 'UPDATE OR DELETE');
    await refuse('custody_pending', 'UPDATE');
    await refuse('log_tiles', 'DELETE');
    await refuse('log_state', 'DELETE');
    await db.query(`
      CREATE TRIGGER log_tiles_extend BEFORE UPDATE ON log_tiles FOR EACH ROW EXECUTE FUNCTION refuse_shrinking_tile();
      ALTER TABLE log_tiles ENABLE ALWAYS TRIGGER log_tiles_extend;
      CREATE TRIGGER log_state_grow BEFORE UPDATE ON log_state FOR EACH ROW EXECUTE FUNCTION refuse_shrinking_log();
      ALTER TABLE log_state ENABLE ALWAYS TRIGGER log_state_grow;

      GRANT SELECT ON log_state, log_keys, custody_pending, custody_payloads, custody_entries, log_tiles, log_checkpoints
        TO custodiet_app, custodiet_sequencer;
      GRANT INSERT ON custody_pending, custody_payloads TO custodiet_app;
      GRANT INSERT ON log_state, log_keys, custody_entries, log_tiles, log_checkpoints TO custodiet_sequencer;
      GRANT UPDATE ON log_state, log_tiles TO custodiet_sequencer;
      -- UPDATE on one column is what PostgreSQL asks for FOR UPDATE SKIP LOCKED; the trigger refuses the update itself.
      GRANT DELETE, UPDATE (ord) ON custody_pending TO custodiet_sequencer;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('The custody log is not taken down.'));
  }
}
