import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Requests whose items are decided one by one, by as many people as the policy said when they were made; grants that say what they are for;
 * locks against people whom a recording concerns; notices; and accounts known to belong to the same human being.
 */
export class ExactGrants1763600000021 implements MigrationInterface {
  name = 'ExactGrants1763600000021';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE people ADD COLUMN same_as uuid REFERENCES people CHECK (same_as <> id);

      ALTER TABLE access_requests
        DROP CONSTRAINT access_requests_state_check,
        ADD COLUMN asked text[] NOT NULL DEFAULT '{view,view-unredacted}',
        -- What was named: recordings, a case or a search, as it was put.
        ADD COLUMN target jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN due_at timestamptz(3),
        ADD COLUMN reminded_at timestamptz(3),
        ADD COLUMN closed_at timestamptz(3),
        -- Taken in an emergency: granted before anybody decided, to be reviewed after.
        ADD COLUMN break_glass boolean NOT NULL DEFAULT false,
        ADD COLUMN reviewed_by uuid REFERENCES people,
        ADD COLUMN reviewed_at timestamptz(3),
        ADD COLUMN justified boolean,
        ADD COLUMN review_note text,
        ADD CHECK ((reviewed_by IS NULL) = (justified IS NULL)),
        ADD CHECK (reviewed_by <> requested_by);
      ALTER TABLE access_requests
        ALTER asked DROP DEFAULT,
        ALTER target DROP DEFAULT,
        ALTER break_glass DROP DEFAULT,
        ADD CONSTRAINT access_requests_state_check CHECK (state IN (
          'draft', 'submitted', 'in-review', 'granted', 'partly-granted', 'denied', 'withdrawn', 'expired', 'revoked', 'closed'));
      CREATE INDEX access_requests_due ON access_requests (due_at) WHERE state IN ('submitted', 'in-review');
      CREATE INDEX access_requests_requester ON access_requests (requested_by, id);

      -- One custodian was enough for what was asked before there was a policy.
      ALTER TABLE access_request_items
        ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'denied')),
        ADD COLUMN rule jsonb NOT NULL DEFAULT '{"name":"one custodian","seats":["custodian"],"need":1}',
        ADD COLUMN sensitivity text NOT NULL DEFAULT 'normal',
        ADD COLUMN decided_at timestamptz(3);
      UPDATE access_request_items i SET state = r.state, decided_at = r.decided_at
        FROM access_requests r WHERE r.id = i.request_id AND r.state IN ('granted', 'denied');
      ALTER TABLE access_request_items ALTER state DROP DEFAULT, ALTER rule DROP DEFAULT, ALTER sensitivity DROP DEFAULT;

      -- human_id is the first account of whoever decided, behalf_human that of whom they stood in for: neither decides twice.
      CREATE TABLE access_decisions (
        id uuid PRIMARY KEY,
        request_id uuid NOT NULL,
        recording_id uuid NOT NULL,
        person_id uuid NOT NULL REFERENCES people,
        human_id uuid NOT NULL REFERENCES people,
        behalf_of uuid REFERENCES people,
        behalf_human uuid REFERENCES people,
        seat text NOT NULL,
        verdict text NOT NULL CHECK (verdict IN ('approve', 'deny')),
        reason text,
        until timestamptz(3),
        at timestamptz(3) NOT NULL,
        FOREIGN KEY (request_id, recording_id) REFERENCES access_request_items,
        UNIQUE (request_id, recording_id, human_id),
        UNIQUE (request_id, recording_id, behalf_human),
        CHECK (verdict = 'approve' OR reason IS NOT NULL)
      );
      CREATE TABLE delegations (
        id uuid PRIMARY KEY,
        from_id uuid NOT NULL REFERENCES people,
        to_id uuid NOT NULL REFERENCES people,
        role text NOT NULL,
        reason text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        until timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        CHECK (from_id <> to_id),
        CHECK (until > created_at)
      );
      CREATE INDEX delegations_to ON delegations (to_id, until);

      ALTER TABLE grants
        ALTER request_id DROP NOT NULL,
        ALTER granted_by DROP NOT NULL,
        ADD COLUMN actions text[] NOT NULL DEFAULT '{view,view-unredacted}',
        ADD COLUMN starts_at timestamptz(3),
        ADD COLUMN max_viewings int CHECK (max_viewings > 0),
        ADD COLUMN viewings_opened int NOT NULL DEFAULT 0 CHECK (viewings_opened <= max_viewings),
        ADD COLUMN basis text NOT NULL DEFAULT 'request';
      UPDATE grants SET starts_at = created_at;
      ALTER TABLE grants
        ALTER actions DROP DEFAULT,
        ALTER basis DROP DEFAULT,
        ALTER starts_at SET NOT NULL,
        -- By a person who was asked, or by a rule of the policy; never by nobody.
        ADD CHECK (basis <> 'request' OR (request_id IS NOT NULL AND granted_by IS NOT NULL)),
        ADD CHECK (basis <> 'break-glass' OR request_id IS NOT NULL);

      CREATE TABLE recording_locks (
        id uuid PRIMARY KEY,
        recording_id uuid NOT NULL REFERENCES recordings,
        person_id uuid NOT NULL REFERENCES people,
        human_id uuid NOT NULL REFERENCES people,
        reason text NOT NULL,
        locked_by uuid NOT NULL REFERENCES people,
        locked_at timestamptz(3) NOT NULL,
        statement text,
        statement_at timestamptz(3),
        lifted_by uuid REFERENCES people,
        lifted_at timestamptz(3),
        lift_reason text,
        CHECK (locked_by <> person_id AND lifted_by <> person_id),
        CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
      );
      CREATE UNIQUE INDEX recording_locks_open ON recording_locks (recording_id, human_id) WHERE lifted_at IS NULL;

      CREATE TABLE notices (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES people,
        kind text NOT NULL,
        -- The request, recording or sampling it is about.
        about uuid NOT NULL,
        text text NOT NULL,
        sent_at timestamptz(3) NOT NULL,
        read_at timestamptz(3)
      );
      CREATE INDEX notices_person ON notices (person_id, id DESC);

      GRANT SELECT, INSERT ON access_decisions TO custodiet_app;
      GRANT SELECT, INSERT, UPDATE ON delegations, recording_locks, notices TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Decisions that people made are not taken back.'));
  }
}
