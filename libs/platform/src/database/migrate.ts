import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { MIGRATIONS } from './migrations/index.js';

interface Login {
  readonly role: string;
  readonly password: string;
  readonly database: string;
}

function loginOf(url: string): Login {
  const parsed = new URL(url);
  return {
    role: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: parsed.pathname.slice(1),
  };
}

/** Role names are fixed: the migrations grant to them by name, and an auditor looks for them by name. */
const ROLES = {
  DATABASE_OWNER_URL: 'custodiet_owner',
  DATABASE_URL: 'custodiet_app',
  DATABASE_SEQUENCER_URL: 'custodiet_sequencer',
} as const;

async function ensureLogin(admin: Client, login: Login): Promise<void> {
  const role = admin.escapeIdentifier(login.role);
  const exists = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [login.role]);
  if (exists.rowCount === 0) await admin.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION`);
  await admin.query(`ALTER ROLE ${role} PASSWORD ${admin.escapeLiteral(login.password)}`);
}

/** Creates the three roles and the database when an administrator's connection is given. Idempotent. */
async function bootstrap(config: Config, adminUrl: string): Promise<void> {
  const owner = loginOf(config.DATABASE_OWNER_URL ?? '');
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query('SELECT pg_advisory_lock(7239461)');
    for (const variable of Object.keys(ROLES) as (keyof typeof ROLES)[]) {
      const login = loginOf(config[variable] ?? '');
      if (login.role !== ROLES[variable]) throw new Error(`${variable} must sign in as ${ROLES[variable]}, not ${login.role}`);
      await ensureLogin(admin, login);
    }
    // A CREATEROLE administrator that is no superuser may only give a database to a role it is a member of.
    await admin.query(`GRANT custodiet_owner TO CURRENT_USER`);
    const exists = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [owner.database]);
    if (exists.rowCount === 0)
      await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(owner.database)} OWNER custodiet_owner`);
  } finally {
    await admin.end();
  }
}

/** Brings the database to the newest schema, as its owner. @returns the names of the migrations that ran. */
export async function migrate(config: Config): Promise<string[]> {
  if (config.DATABASE_ADMIN_URL !== undefined) await bootstrap(config, config.DATABASE_ADMIN_URL);
  const source = new DataSource({
    type: 'postgres',
    url: config.DATABASE_OWNER_URL ?? '',
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'all',
  });
  await source.initialize();
  try {
    return (await source.runMigrations()).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
