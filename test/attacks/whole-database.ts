import { randomBytes } from 'node:crypto';
import type { CustodyDatabase } from '../../libs/custody/src/testing/custody-database.js';

/**
 * Every table of a database as it was at one moment, to be put back later: what a dump and its restoring do, by the superuser. Inside the
 * server, because the tests may run against one whose pg_dump is not on this machine.
 */
export class WholeDatabase {
  private constructor(
    private readonly database: CustodyDatabase,
    private readonly schema: string,
    private readonly tables: readonly string[],
  ) {}

  static async of(database: CustodyDatabase): Promise<WholeDatabase> {
    const schema = `dump_${randomBytes(4).toString('hex')}`;
    const found = await database.rows<{ name: string }>(
      `SELECT quote_ident(relname) AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    const tables = found.map(({ name }) => name);
    await database.rows('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await database.rows(`CREATE SCHEMA ${schema}`);
    for (const table of tables) await database.rows(`CREATE TABLE ${schema}.${table} AS TABLE public.${table}`);
    await database.rows('COMMIT');
    return new WholeDatabase(database, schema, tables);
  }

  /** All tables are as they were, and guarded as they were. */
  async putBack(): Promise<void> {
    const { database, schema, tables } = this;
    const guards = await database.rows<{ table: string; name: string }>(
      `SELECT quote_ident(relname) AS table, quote_ident(tgname) AS name FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
       WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace`,
    );
    await database.rows('BEGIN');
    // Foreign keys are triggers too, which this keeps from caring about the order of tables.
    await database.rows('SET LOCAL session_replication_role = replica');
    for (const table of tables) await database.rows(`ALTER TABLE public.${table} DISABLE TRIGGER USER`);
    await database.rows(`TRUNCATE ${tables.map((table) => `public.${table}`).join(', ')}`);
    for (const table of tables) {
      const columns = await this.written(table);
      await database.rows(
        `INSERT INTO public.${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${schema}.${table}`,
      );
    }
    for (const { table, name } of guards) await database.rows(`ALTER TABLE public.${table} ENABLE ALWAYS TRIGGER ${name}`);
    await database.rows('COMMIT');
  }

  /** The columns that the database does not derive from others. */
  private async written(table: string): Promise<string> {
    const columns = await this.database.rows<{ name: string }>(
      `SELECT quote_ident(attname) AS name FROM pg_attribute
       WHERE attrelid = 'public.${table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    );
    return columns.map(({ name }) => name).join(', ');
  }
}
