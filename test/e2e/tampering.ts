import type { Client } from 'pg';
import { leafHash } from '#tlog';

/** Changes one entry of the log as whoever owns the database server can. @returns what puts it back */
export type Tampering = (db: Client, index: string) => Promise<() => Promise<void>>;

/** Another time in the entry, and the leaf hash that goes with it. */
export const forgeHeader: Tampering = async (db, index) => {
  const entry = 'SELECT header, leaf_hash FROM custody_entries WHERE index = $1';
  const { header, leaf_hash: leaf } = await theRow<{ header: Buffer; leaf_hash: Buffer }>(db, entry, index);
  const write = (bytes: Buffer, hash: Uint8Array): Promise<void> =>
    unguarded(db, 'custody_entries', () =>
      db.query('UPDATE custody_entries SET header = $2, leaf_hash = $3 WHERE index = $1', [index, bytes, Buffer.from(hash)]),
    );
  const forged = Buffer.from(header.toString('utf8').replace(/"at":"\d{4}/, '"at":"1999'));
  await write(forged, leafHash(forged));
  return () => write(header, leaf);
};

/** Another badge in what the entry says. */
export const forgePayload: Tampering = async (db, index) => {
  const of = 'SELECT p.entry, p.payload FROM custody_payloads p JOIN custody_entries e ON e.id = p.entry WHERE e.index = $1';
  const { entry, payload } = await theRow<{ entry: string; payload: string }>(db, of, index);
  const write = (text: string): Promise<void> =>
    unguarded(db, 'custody_payloads', () => db.query('UPDATE custody_payloads SET payload = $2 WHERE entry = $1', [entry, text]));
  await write(payload.replace('4711', '4712'));
  return () => write(payload);
};

export const removeEntry: Tampering = async (db, index) => {
  await db.query('CREATE TABLE removed_entry AS SELECT * FROM custody_entries WHERE index = $1', [index]);
  await unguarded(db, 'custody_entries', () => db.query('DELETE FROM custody_entries WHERE index = $1', [index]));
  return async () => {
    await db.query('INSERT INTO custody_entries SELECT * FROM removed_entry');
    await db.query('DROP TABLE removed_entry');
  };
};

async function theRow<T extends object>(db: Client, query: string, index: string): Promise<T> {
  const [row] = (await db.query<T>(query, [index])).rows;
  if (row === undefined) throw new Error(`The log has no entry ${index}.`);
  return row;
}

async function unguarded(
  db: Client,
  table: 'custody_entries' | 'custody_payloads',
  change: () => Promise<unknown>,
): Promise<void> {
  await db.query('BEGIN');
  await db.query(`ALTER TABLE ${table} DISABLE TRIGGER ${table}_rows`);
  await change();
  await db.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_rows`);
  await db.query('COMMIT');
}
