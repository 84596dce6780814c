import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Drops a throw-away database from a server that the person named, with the product's own driver. @returns {Promise<boolean>} whether it was there */
export async function dropDatabase(top, administratorUrl, database) {
  const { Client } = createRequire(join(top, 'package.json'))('pg');
  const client = new Client({ connectionString: administratorUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount) await client.query(`DROP DATABASE "${database}" WITH (FORCE)`);
    return rowCount > 0;
  } finally {
    await client.end();
  }
}
