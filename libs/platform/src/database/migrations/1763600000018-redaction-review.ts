import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Plans have versions, each rendering is of one of them, and a second person reviews what was rendered. What was rendered before there was a
 * review is not released: somebody has to look at it first, like at everything else.
 */
export class RedactionReview1763600000018 implements MigrationInterface {
  name = 'RedactionReview1763600000018';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE redaction_plans (
        redaction_id uuid NOT NULL REFERENCES redactions,
        version int NOT NULL CHECK (version >= 1),
        plan jsonb NOT NULL,
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        author_id uuid NOT NULL REFERENCES people,
        saved_at timestamptz(3) NOT NULL,
        note text,
        PRIMARY KEY (redaction_id, version)
      );
      INSERT INTO redaction_plans (redaction_id, version, plan, sha256, author_id, saved_at)
        SELECT id, 1, plan, plan_sha256, author_id, created_at FROM redactions;
      CREATE FUNCTION refuse_plan_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% of % is refused: a plan that was saved stays as it is', TG_OP, TG_TABLE_NAME; END $$;
      CREATE TRIGGER redaction_plans_rows BEFORE UPDATE OR DELETE ON redaction_plans
        FOR EACH ROW EXECUTE FUNCTION refuse_plan_change();
      CREATE TRIGGER redaction_plans_truncate BEFORE TRUNCATE ON redaction_plans
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_plan_change();
      ALTER TABLE redaction_plans ENABLE ALWAYS TRIGGER redaction_plans_rows;
      ALTER TABLE redaction_plans ENABLE ALWAYS TRIGGER redaction_plans_truncate;

      -- Its id is what the job carries: a job is done once for ever, and a redaction may be rendered again by another version of its plan.
      CREATE TABLE redaction_renderings (
        id uuid PRIMARY KEY,
        redaction_id uuid NOT NULL,
        version int NOT NULL,
        ordered_by uuid NOT NULL REFERENCES people,
        ordered_at timestamptz(3) NOT NULL,
        finished_at timestamptz(3),
        failure text,
        result_id uuid UNIQUE REFERENCES recordings,
        tool text,
        recipe text,
        parameters text,
        reviewed_by uuid REFERENCES people,
        reviewed_at timestamptz(3),
        approved boolean,
        review_note text,
        UNIQUE (redaction_id, version),
        FOREIGN KEY (redaction_id, version) REFERENCES redaction_plans,
        CHECK (result_id IS NULL OR failure IS NULL),
        CHECK ((reviewed_by IS NULL) = (approved IS NULL) AND (approved IS NULL OR result_id IS NOT NULL))
      );
      CREATE UNIQUE INDEX redaction_renderings_one_open ON redaction_renderings (redaction_id) WHERE finished_at IS NULL;
      INSERT INTO redaction_renderings (id, redaction_id, version, ordered_by, ordered_at, finished_at, failure, result_id)
        SELECT id, id, 1, author_id, created_at, finished_at, failure, result_id FROM redactions;

      ALTER TABLE redactions
        DROP CONSTRAINT redactions_state_check,
        DROP COLUMN plan, DROP COLUMN plan_sha256, DROP COLUMN failure, DROP COLUMN result_id, DROP COLUMN finished_at,
        ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version >= 1),
        ADD COLUMN released_by uuid REFERENCES people,
        ADD COLUMN released_at timestamptz(3);
      UPDATE redactions SET state = 'rendered' WHERE state = 'sealed';
      ALTER TABLE redactions
        ALTER version DROP DEFAULT,
        ADD CONSTRAINT redactions_state_check CHECK (
          state IN ('draft', 'rendering', 'rendered', 'failed', 'approved', 'rejected', 'released', 'discarded')),
        ADD CHECK ((state = 'released') = (released_at IS NOT NULL AND released_by IS NOT NULL));

      ALTER TABLE recordings
        ADD COLUMN released_at timestamptz(3),
        ADD CHECK (released_at IS NULL OR origin = 'derived');

      GRANT SELECT, INSERT ON redaction_plans TO custodiet_app;
      GRANT SELECT, INSERT, UPDATE ON redaction_renderings TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Plans that were saved and reviews that were made are not taken back.'));
  }
}
