import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { loadConfig, migrate } from '#platform';

export interface FreshDatabase {
  readonly name: string;
  /** DATABASE_URL, DATABASE_OWNER_URL and DATABASE_SEQUENCER_URL of the new database. */
  readonly urls: Readonly<Record<RoleVariable, string>>;
  /** Superuser in the new database, to do what the product's roles cannot. */
  readonly adminUrl: string;
  /** Ends every connection to it. */
  readonly drop: () => Promise<void>;
}

type RoleVariable = 'DATABASE_URL' | 'DATABASE_OWNER_URL' | 'DATABASE_SEQUENCER_URL';

/**
 * A migrated, empty database on the server that DATABASE_ADMIN_URL names, for the roles of the environment's other database URLs.
 * @throws Error when the environment does not name a server: `npm test` and `docker/up.mjs env` do
 */
export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `custodiet_test_${randomBytes(6).toString('hex')}`;
  const administrator = required('DATABASE_ADMIN_URL');
  const urls = {
    DATABASE_URL: withDatabase(required('DATABASE_URL'), name),
    DATABASE_OWNER_URL: withDatabase(required('DATABASE_OWNER_URL'), name),
    DATABASE_SEQUENCER_URL: withDatabase(required('DATABASE_SEQUENCER_URL'), name),
  };
  await migrate(loadConfig('migrate', { ...process.env, ...urls }));
  return { name, urls, adminUrl: withDatabase(administrator, name), drop: () => drop(administrator, name) };
}

/** The value of an environment variable. @throws Error naming it and where it comes from */
export function required(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(`${variable} is not set. Run this through npm test, or after: eval "$(node docker/up.mjs env)"`);
}

/** The same server, sign-in and options; another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function drop(administratorUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: administratorUrl });
  await client.connect();
  try {
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
  } finally {
    await client.end();
  }
}
