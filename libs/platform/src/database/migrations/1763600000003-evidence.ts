import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Evidence1763600000003 implements MigrationInterface {
  name = 'Evidence1763600000003';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE manifests (
        id uuid PRIMARY KEY,
        dock_id uuid NOT NULL REFERENCES docks,
        note text NOT NULL,
        received_at timestamptz(3) NOT NULL
      );
      CREATE TABLE recordings (
        id uuid PRIMARY KEY,
        manifest_id uuid REFERENCES manifests,
        dock_id uuid REFERENCES docks,
        parent_id uuid REFERENCES recordings,
        name text NOT NULL,
        size bigint NOT NULL CHECK (size >= 0),
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        camera text NOT NULL,
        officer_badge text NOT NULL,
        officer_id uuid REFERENCES people,
        recorded_at timestamptz(3) NOT NULL,
        clock_offset_ms bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('receiving', 'sealing', 'sealed', 'quarantined')),
        reason text,
        bucket text NOT NULL,
        key text NOT NULL UNIQUE,
        upload_id text,
        version_id text,
        part_size int NOT NULL,
        probe jsonb,
        announced_at timestamptz(3) NOT NULL,
        received_at timestamptz(3),
        sealed_at timestamptz(3),
        sealed_entry uuid,
        CHECK (state <> 'sealed' OR (version_id IS NOT NULL AND sealed_at IS NOT NULL AND sealed_entry IS NOT NULL))
      );
      -- The database decides which of two docks that announce the same file came first. Two redactions may well be equal.
      CREATE UNIQUE INDEX recordings_sha256_once ON recordings (sha256) WHERE state <> 'quarantined' AND parent_id IS NULL;
      CREATE INDEX recordings_parent ON recordings (parent_id) WHERE parent_id IS NOT NULL;
      CREATE INDEX recordings_camera ON recordings (camera, recorded_at);
      CREATE TABLE upload_parts (
        recording_id uuid NOT NULL REFERENCES recordings,
        part int NOT NULL CHECK (part BETWEEN 1 AND 10000),
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        size int NOT NULL,
        etag text NOT NULL,
        PRIMARY KEY (recording_id, part)
      );
      CREATE TABLE renditions (
        id uuid PRIMARY KEY,
        recording_id uuid NOT NULL REFERENCES recordings,
        recipe text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
        reason text,
        created_at timestamptz(3) NOT NULL,
        ready_at timestamptz(3),
        UNIQUE (recording_id, recipe)
      );
      CREATE TABLE rendition_files (
        rendition_id uuid NOT NULL REFERENCES renditions,
        name text NOT NULL,
        bucket text NOT NULL,
        key text NOT NULL,
        content_type text NOT NULL,
        size bigint NOT NULL,
        sha256 bytea NOT NULL,
        start_ms int,
        duration_ms int,
        PRIMARY KEY (rendition_id, name)
      );
      GRANT SELECT, INSERT, UPDATE ON manifests, recordings, upload_parts, renditions, rendition_files TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE rendition_files, renditions, upload_parts, recordings, manifests');
  }
}
