import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Access1763600000004 implements MigrationInterface {
  name = 'Access1763600000004';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE access_requests (
        id uuid PRIMARY KEY,
        requested_by uuid NOT NULL REFERENCES people,
        purpose text NOT NULL,
        case_number text NOT NULL,
        justification text NOT NULL,
        wanted_until timestamptz(3) NOT NULL,
        state text NOT NULL CHECK (state IN ('submitted', 'granted', 'denied', 'withdrawn')),
        decided_by uuid REFERENCES people,
        decided_at timestamptz(3),
        decision_reason text,
        created_at timestamptz(3) NOT NULL
      );
      CREATE TABLE access_request_items (
        request_id uuid NOT NULL REFERENCES access_requests,
        recording_id uuid NOT NULL REFERENCES recordings,
        PRIMARY KEY (request_id, recording_id)
      );
      CREATE TABLE grants (
        id uuid PRIMARY KEY,
        request_id uuid NOT NULL REFERENCES access_requests,
        person_id uuid NOT NULL REFERENCES people,
        recording_id uuid NOT NULL REFERENCES recordings,
        purpose text NOT NULL,
        case_number text NOT NULL,
        granted_by uuid NOT NULL REFERENCES people,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        CHECK (granted_by <> person_id),
        UNIQUE (request_id, recording_id)
      );
      CREATE INDEX grants_person ON grants (person_id, recording_id);
      CREATE TABLE viewings (
        id uuid PRIMARY KEY,
        grant_id uuid NOT NULL REFERENCES grants,
        person_id uuid NOT NULL REFERENCES people,
        session_id uuid NOT NULL REFERENCES sessions,
        recording_id uuid NOT NULL REFERENCES recordings,
        rendition_id uuid NOT NULL REFERENCES renditions,
        purpose text NOT NULL,
        opened_at timestamptz(3) NOT NULL,
        last_seen_at timestamptz(3) NOT NULL,
        closed_at timestamptz(3)
      );
      CREATE INDEX viewings_open ON viewings (last_seen_at) WHERE closed_at IS NULL;
      CREATE TABLE viewing_deliveries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        viewing_id uuid NOT NULL REFERENCES viewings,
        name text NOT NULL,
        start_ms int,
        duration_ms int,
        size bigint NOT NULL,
        sent bigint,
        at timestamptz(3) NOT NULL
      );
      CREATE INDEX viewing_deliveries_viewing ON viewing_deliveries (viewing_id);
      GRANT SELECT, INSERT, UPDATE ON access_requests, access_request_items, grants, viewings, viewing_deliveries TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE viewing_deliveries, viewings, grants, access_request_items, access_requests');
  }
}
