import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cases, what recordings are searched by, and statements that a search found nothing. */
export class CasesAndSearch1763600000025 implements MigrationInterface {
  name = 'CasesAndSearch1763600000025';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE cases (
        id uuid PRIMARY KEY,
        number text NOT NULL CHECK (length(number) BETWEEN 1 AND 60),
        title text NOT NULL,
        sensitivity text NOT NULL CHECK (sensitivity IN ('normal', 'high')),
        opened_by uuid NOT NULL REFERENCES people,
        opened_at timestamptz(3) NOT NULL,
        closed_at timestamptz(3)
      );
      -- IA-7 and ia-7 would be taken for each other.
      CREATE UNIQUE INDEX cases_number_once ON cases (lower(number) text_pattern_ops);
      CREATE INDEX cases_title ON cases (lower(title) text_pattern_ops);
      CREATE TABLE case_recordings (
        case_id uuid NOT NULL REFERENCES cases,
        recording_id uuid NOT NULL REFERENCES recordings,
        added_by uuid NOT NULL REFERENCES people,
        added_at timestamptz(3) NOT NULL,
        PRIMARY KEY (case_id, recording_id)
      );
      CREATE INDEX case_recordings_recording ON case_recordings (recording_id);
      CREATE TABLE case_people (
        id uuid PRIMARY KEY,
        case_id uuid NOT NULL REFERENCES cases,
        -- Null of somebody without an account.
        person_id uuid REFERENCES people,
        name text NOT NULL,
        part text NOT NULL,
        added_at timestamptz(3) NOT NULL
      );
      CREATE UNIQUE INDEX case_people_account_once ON case_people (case_id, person_id, part) WHERE person_id IS NOT NULL;
      CREATE UNIQUE INDEX case_people_name_once ON case_people (case_id, lower(name), part) WHERE person_id IS NULL;
      CREATE INDEX access_requests_case_number ON access_requests (lower(case_number), id);

      CREATE TABLE search_statements (
        id uuid PRIMARY KEY,
        entry uuid NOT NULL,
        -- Its SHA-256 is in the entry: to the letter.
        text text NOT NULL,
        made_by uuid NOT NULL REFERENCES people,
        made_at timestamptz(3) NOT NULL
      );

      -- What holds the whole track, in degrees; null without points. One that is more than half round the world crosses the date line.
      CREATE FUNCTION bounds_of_track(track jsonb) RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT box(point(CASE WHEN east - west > 180 THEN -180 ELSE west END, south),
                   point(CASE WHEN east - west > 180 THEN 180 ELSE east END, north))
        FROM (SELECT min((at ->> 'lonE7')::float8) / 1e7 AS west, max((at ->> 'lonE7')::float8) / 1e7 AS east,
                     min((at ->> 'latE7')::float8) / 1e7 AS south, max((at ->> 'latE7')::float8) / 1e7 AS north
              FROM jsonb_array_elements(track) AS at) AS ends
      $$;
      -- As TRUE_TIME says it (true-time.rules.ts), by way of a time without a zone, which is what may stand in a generated column.
      ALTER TABLE recordings
        ADD COLUMN true_at timestamptz(3) GENERATED ALWAYS AS (
          ((recorded_at AT TIME ZONE 'UTC') - least(greatest(clock_offset_ms, -3155760000000), 3155760000000) * interval '1 millisecond')
            AT TIME ZONE 'UTC') STORED,
        ADD COLUMN gps_bounds box GENERATED ALWAYS AS (bounds_of_track(gps_track)) STORED;
      CREATE INDEX recordings_camera_time ON recordings (camera, true_at, id) WHERE camera IS NOT NULL;
      CREATE INDEX recordings_time ON recordings (true_at, id);
      CREATE INDEX recordings_badge ON recordings (officer_badge, true_at, id) WHERE officer_badge IS NOT NULL;
      CREATE INDEX recordings_officer ON recordings (officer_id, id) WHERE officer_id IS NOT NULL;
      CREATE INDEX recordings_category ON recordings (category, true_at, id) WHERE category IS NOT NULL;
      CREATE INDEX recordings_flagged ON recordings (true_at, id) WHERE flagged;
      CREATE INDEX recordings_origin ON recordings (origin, id) WHERE origin <> 'dock';
      CREATE INDEX recordings_unsealed ON recordings (state, true_at, id) WHERE state <> 'sealed';
      CREATE INDEX recordings_place ON recordings USING gist (gps_bounds) WHERE gps_bounds IS NOT NULL;

      GRANT SELECT, INSERT, UPDATE ON cases TO custodiet_app;
      GRANT SELECT, INSERT, DELETE ON case_recordings, case_people TO custodiet_app;
      GRANT SELECT, INSERT ON search_statements TO custodiet_app;
    `);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Which recordings belonged to a case is not taken back.'));
  }
}
