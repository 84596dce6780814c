import { Client } from 'pg';
import type { FreshDatabase } from '../support/fresh-database.js';

/** Runs `work` as the database server's superuser, in the product's database: for what no public interface can do or show. */
export async function asSuperuser<T>({ adminUrl }: FreshDatabase, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Whether a worker holds that job right now. */
export async function isHeld(client: Client, job: string, ref: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND classid::bigint = hashtext($1)::bigint & 4294967295 AND objid::bigint = hashtext($2)::bigint & 4294967295`,
    [job, ref],
  );
  return (rowCount ?? 0) > 0;
}

/** How often a job has failed so far. */
export async function failuresOf(client: Client, job: string, ref: string): Promise<number> {
  const { rows } = await client.query<{ attempts: number }>('SELECT attempts FROM outbox WHERE job = $1 AND ref = $2', [
    job,
    ref,
  ]);
  if (rows[0] === undefined) throw new Error(`There is no job ${job} for ${ref}.`);
  return rows[0].attempts;
}

/** How many parts of the file have arrived so far. */
export async function partsOf(client: Client, sha256: string): Promise<number> {
  const { rows } = await client.query<{ parts: number }>(
    "SELECT count(*)::int AS parts FROM upload_parts p JOIN recordings r ON r.id = p.recording_id WHERE r.sha256 = decode($1, 'hex')",
    [sha256],
  );
  return rows[0]?.parts ?? 0;
}

/** Ends every other connection to the database. @returns how many there were */
export async function cutConnections(client: Client): Promise<number> {
  const { rowCount } = await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  return rowCount ?? 0;
}
