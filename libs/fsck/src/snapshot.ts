import { Client } from 'pg';

/** The database gave no answer, or refused one. Says nothing of the password. */
export class DatabaseUnreadable extends Error {
  override readonly name = 'DatabaseUnreadable';
}

export interface Snapshot {
  readonly client: Client;
  /** Of log_state, as it is at this moment. */
  readonly sizeNow: () => Promise<bigint>;
  /** Public keys that the database itself names as the log's. */
  readonly storedKeys: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/**
 * One snapshot of the database, for reading only: the log goes on growing while it is read. SELECT is all that the role needs.
 * @throws DatabaseUnreadable
 */
export async function openSnapshot(url: string): Promise<Snapshot> {
  const client = await connected(url);
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  return {
    client,
    sizeNow: async () => {
      const other = await connected(url);
      try {
        const { rows } = await other.query<{ size: string }>('SELECT size FROM log_state');
        return BigInt(rows[0]?.size ?? 0);
      } finally {
        await other.end();
      }
    },
    storedKeys: async () => {
      const { rows } = await client.query<{ vkey: string }>('SELECT vkey FROM log_keys ORDER BY added_at, vkey');
      return rows.map(({ vkey }) => vkey);
    },
    close: () => client.end(),
  };
}

async function connected(url: string): Promise<Client> {
  try {
    const client = new Client({
      connectionString: url,
      application_name: 'custodiet-verify fsck',
      connectionTimeoutMillis: 10_000,
    });
    client.on('error', () => undefined); // the query under way says it too
    await client.connect();
    return client;
  } catch (error) {
    // What pg says of an address that it cannot read has the whole of it, password and all.
    const { code } = error as { code?: unknown };
    const why = code === 'ERR_INVALID_URL' ? 'the address is malformed' : reasonOf(error);
    throw new DatabaseUnreadable(`The database gave no answer. (${why})`);
  }
}

function reasonOf(error: unknown): string {
  // Tried under several addresses, each with its own reason.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
