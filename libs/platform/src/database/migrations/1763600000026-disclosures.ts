import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Packages for people outside: what two people released, the link and second factor it is fetched with, and every byte that was sent of it. */
export class Disclosures1763600000026 implements MigrationInterface {
  name = 'Disclosures1763600000026';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE disclosures (
        id uuid PRIMARY KEY,
        state text NOT NULL CHECK (state IN (
          'proposed', 'approved', 'refused', 'packaging', 'ready', 'failed', 'revoked', 'expired')),
        recipient text NOT NULL,
        organisation text NOT NULL,
        kind text NOT NULL,
        email text,
        legal_basis text NOT NULL,
        conditions text NOT NULL,
        form text NOT NULL CHECK (form IN ('unaltered', 'marked')),
        override_reason text,
        until timestamptz(3) NOT NULL,
        fetches int NOT NULL CHECK (fetches > 0),
        fetches_begun int NOT NULL DEFAULT 0,
        proposed_by uuid NOT NULL REFERENCES people,
        -- Human beings, by their first accounts: a second account makes no second person.
        proposed_human uuid NOT NULL REFERENCES people,
        created_at timestamptz(3) NOT NULL,
        decided_by uuid REFERENCES people,
        decided_human uuid REFERENCES people,
        decided_at timestamptz(3),
        decision_note text,
        problem text,
        bucket text,
        key text,
        version_id text,
        size bigint,
        files int,
        sha256 bytea,
        manifest_sha256 bytea,
        packaged_entry uuid,
        packaged_at timestamptz(3),
        link_hash bytea UNIQUE,
        link_issued_at timestamptz(3),
        code_hash text,
        code_tries int NOT NULL DEFAULT 0,
        confirmed_at timestamptz(3),
        ended_at timestamptz(3),
        ended_by uuid REFERENCES people,
        end_reason text,
        CHECK (decided_human <> proposed_human),
        CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
        CHECK (fetches_begun <= fetches),
        CHECK (state NOT IN ('approved', 'packaging', 'ready', 'failed') OR decided_by IS NOT NULL),
        CHECK (state <> 'ready' OR (version_id IS NOT NULL AND sha256 IS NOT NULL AND packaged_entry IS NOT NULL)),
        CHECK (state <> 'refused' OR decision_note IS NOT NULL),
        CHECK (state <> 'revoked' OR end_reason IS NOT NULL)
      );
      CREATE INDEX disclosures_until ON disclosures (until) WHERE state NOT IN ('refused', 'revoked', 'expired');

      CREATE TABLE disclosure_items (
        disclosure_id uuid NOT NULL REFERENCES disclosures,
        recording_id uuid NOT NULL REFERENCES recordings,
        place int NOT NULL,
        from_ms bigint,
        to_ms bigint,
        PRIMARY KEY (disclosure_id, recording_id),
        CHECK ((from_ms IS NULL) = (to_ms IS NULL)),
        CHECK (from_ms >= 0 AND to_ms > from_ms)
      );
      CREATE INDEX disclosure_items_recording ON disclosure_items (recording_id);

      CREATE TABLE disclosure_fetches (
        id uuid PRIMARY KEY,
        disclosure_id uuid NOT NULL REFERENCES disclosures,
        -- On the chain of the first recording; nothing is sent before a trusted checkpoint covers it.
        begun_entry uuid NOT NULL,
        begun_at timestamptz(3) NOT NULL,
        last_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3)
      );
      CREATE INDEX disclosure_fetches_latest ON disclosure_fetches (disclosure_id, last_at);
      CREATE INDEX disclosure_fetches_open ON disclosure_fetches (last_at) WHERE ended_at IS NULL;

      -- One answer each: what was asked for, and how much of it has been sent.
      CREATE TABLE disclosure_sendings (
        id uuid PRIMARY KEY,
        fetch_id uuid NOT NULL REFERENCES disclosure_fetches,
        first bigint NOT NULL CHECK (first >= 0),
        last bigint NOT NULL CHECK (last >= first),
        sent bigint NOT NULL DEFAULT 0,
        running boolean NOT NULL,
        at timestamptz(3) NOT NULL
      );
      CREATE INDEX disclosure_sendings_fetch ON disclosure_sendings (fetch_id);

      CREATE TABLE recipient_sessions (
        id uuid PRIMARY KEY,
        token_hash bytea NOT NULL UNIQUE,
        disclosure_id uuid NOT NULL REFERENCES disclosures,
        name text NOT NULL,
        address text NOT NULL,
        user_agent text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3)
      );
      CREATE INDEX recipient_sessions_open ON recipient_sessions (disclosure_id) WHERE ended_at IS NULL;

      GRANT SELECT, INSERT, UPDATE ON disclosures, disclosure_fetches, disclosure_sendings, recipient_sessions TO custodiet_app;
      GRANT SELECT, INSERT ON disclosure_items TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('What was disclosed, and to whom, is not forgotten.'));
  }
}
