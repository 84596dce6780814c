import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Identity1763600000002 implements MigrationInterface {
  name = 'Identity1763600000002';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE people (
        id uuid PRIMARY KEY,
        username text NOT NULL UNIQUE CHECK (username = lower(username)),
        name text NOT NULL,
        badge text UNIQUE,
        roles text[] NOT NULL,
        password_hash text,
        disabled_at timestamptz(3),
        created_at timestamptz(3) NOT NULL
      );
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        token_hash bytea NOT NULL UNIQUE,
        person_id uuid NOT NULL REFERENCES people,
        method text NOT NULL,
        address text NOT NULL,
        user_agent text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3)
      );
      CREATE TABLE service_tokens (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        token_hash bytea NOT NULL UNIQUE,
        roles text[] NOT NULL,
        created_by uuid NOT NULL REFERENCES people,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3)
      );
      CREATE TABLE docks (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        public_key bytea NOT NULL UNIQUE CHECK (length(public_key) = 32),
        enrolled_by uuid NOT NULL,
        enrolled_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3)
      );
      GRANT SELECT, INSERT, UPDATE ON people, sessions, service_tokens, docks TO custodiet_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE docks, service_tokens, sessions, people');
  }
}
