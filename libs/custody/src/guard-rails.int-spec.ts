import { randomUUID } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { CustodyDatabase } from './testing/custody-database.js';

const LOG = [
  'custody_entries',
  'custody_payloads',
  'log_checkpoints',
  'log_cosignatures',
  'log_freezes',
  'log_keys',
  'log_tiles',
  'log_state',
  'log_timestamps',
] as const;
const PERMISSION_DENIED = '42501';
const CHECK_VIOLATION = '23514';
const RAISED = 'P0001';
/** A change that says nothing new, so that nothing but a guard-rail can refuse it. */
const SAME: Readonly<Record<(typeof LOG)[number], string>> = {
  custody_entries: 'type = type',
  custody_payloads: 'payload = payload',
  log_checkpoints: 'note = note',
  log_cosignatures: 'line = line',
  log_freezes: 'reason = reason',
  log_keys: 'vkey = vkey',
  log_tiles: 'hashes = substring(hashes FOR 32)',
  log_state: 'size = size',
  log_timestamps: 'note = note',
};
const CHANGES = LOG.flatMap((table) => [`UPDATE ${table} SET ${SAME[table]}`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]);

describe('the guard-rails of the custody log', () => {
  let database: CustodyDatabase;
  const clients = new Map<string, Client>();

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    const sequencer = database.start();
    await database.appendSequenced(randomUUID(), 3);
    await database.checkpoint();
    await database.stop(sequencer);
    await database.append(randomUUID());
    await database.superuser.query(`INSERT INTO log_freezes (frozen, reason) VALUES (false, 'a drill')`);
    await database.superuser.query(`INSERT INTO log_cosignatures VALUES (3, 'witness', E'— witness AAAA\\n', now())`);
    await database.superuser.query(`INSERT INTO log_timestamps VALUES (3, 'http://authority', 'note', 'response', now())`);
    for (const [role, url] of Object.entries(database.urls)) {
      const client = new Client({ connectionString: url });
      await client.connect();
      clients.set(role, client);
    }
    clients.set('superuser', database.superuser);
  }, 60_000);

  afterAll(async () => {
    for (const [role, client] of clients) if (role !== 'superuser') await client.end();
    await database.close();
  });

  /** The SQLSTATE that `role` gets for it; undefined when it is carried out. */
  const refusal = async (role: string, sql: string, parameters: readonly unknown[] = []): Promise<string | undefined> => {
    const client = clients.get(role);
    if (client === undefined) throw new Error(`nobody signed in as ${role}`);
    await client.query('BEGIN');
    try {
      await client.query(sql, [...parameters]);
      return undefined;
    } catch (error) {
      if (error instanceof DatabaseError) return error.code;
      throw error;
    } finally {
      await client.query('ROLLBACK');
    }
  };
  const insertEntry = `INSERT INTO custody_entries (index, id, subject, seq, type, at, actor, header, leaf_hash)
    VALUES (1000, gen_random_uuid(), gen_random_uuid(), 0, 'signed-out', now(), null, 'header'::bytea, `;

  it.each(CHANGES)('refuse the application: %s', async (sql) => {
    expect(await refusal('app', sql)).toBe(PERMISSION_DENIED);
  });

  it.each(CHANGES)('refuse the sequencer: %s', async (sql) => {
    expect([PERMISSION_DENIED, RAISED]).toContain(await refusal('sequencer', sql));
  });

  it.each(CHANGES)('refuse the owner and even a superuser: %s', async (sql) => {
    expect(await refusal('owner', sql)).toBe(RAISED);
    expect(await refusal('superuser', sql)).toBe(RAISED);
  });

  it('hold when triggers are switched off for the session, as a replica would', async () => {
    await database.superuser.query(`SET session_replication_role = replica`);
    try {
      for (const sql of CHANGES) expect([sql, await refusal('superuser', sql)]).toEqual([sql, RAISED]);
    } finally {
      await database.superuser.query('RESET session_replication_role');
    }
  });

  it('let the application ask for an entry, but place none, sign nothing and take no wish back', async () => {
    const row = `gen_random_uuid(), gen_random_uuid(), 'signed-out', now(), sha256('')`;
    expect(await refusal('app', `INSERT INTO custody_pending (id, subject, type, at, pc) VALUES (${row})`)).toBeUndefined();
    expect(await refusal('app', `${insertEntry} sha256('\\x00'::bytea || 'header'::bytea))`)).toBe(PERMISSION_DENIED);
    for (const sql of [
      `INSERT INTO log_checkpoints VALUES (1, sha256(''), 'note', now())`,
      `INSERT INTO log_tiles VALUES (0, 99, sha256(''))`,
      `INSERT INTO log_keys VALUES ('key')`,
      `INSERT INTO log_state VALUES (true, 'log', 0, '')`,
      'UPDATE custody_pending SET ord = DEFAULT',
      'DELETE FROM custody_pending',
      'TRUNCATE custody_pending',
    ])
      expect([sql, await refusal('app', sql)]).toEqual([sql, PERMISSION_DENIED]);
  });

  it('let the sequencer place an entry, but not write or change a wish or a payload', async () => {
    expect(await refusal('sequencer', `${insertEntry} sha256('\\x00'::bytea || 'header'::bytea))`)).toBeUndefined();
    const row = `gen_random_uuid(), gen_random_uuid(), 'signed-out', now(), sha256('')`;
    expect(await refusal('sequencer', `INSERT INTO custody_pending (id, subject, type, at, pc) VALUES (${row})`)).toBe(
      PERMISSION_DENIED,
    );
    expect(await refusal('sequencer', `INSERT INTO custody_payloads VALUES (gen_random_uuid(), sha256(''), '{}')`)).toBe(
      PERMISSION_DENIED,
    );
    expect(await refusal('sequencer', `UPDATE custody_pending SET type = 'dock.revoked'`)).toBe(PERMISSION_DENIED);
    expect(await refusal('sequencer', 'UPDATE custody_pending SET ord = DEFAULT')).toBe(RAISED);
    expect(await refusal('sequencer', 'TRUNCATE custody_pending')).toBe(PERMISSION_DENIED);
  });

  it('let the sequencer freeze the log, and nobody but the owner lift it', async () => {
    expect(await refusal('sequencer', `INSERT INTO log_freezes (reason) VALUES ('it shrank')`)).toBeUndefined();
    const lift = `INSERT INTO log_freezes (frozen, reason) VALUES (false, 'never mind')`;
    expect(await refusal('sequencer', lift)).toBe(PERMISSION_DENIED);
    expect(await refusal('app', lift)).toBe(PERMISSION_DENIED);
    expect(await refusal('app', `INSERT INTO log_freezes (reason) VALUES ('it shrank')`)).toBe(PERMISSION_DENIED);
    expect(await refusal('owner', lift)).toBeUndefined();
  });

  it('accept no leaf hash but the one of the header', async () => {
    expect(await refusal('sequencer', `${insertEntry} sha256('header'::bytea))`)).toBe(CHECK_VIOLATION);
    expect(await refusal('superuser', `${insertEntry} sha256('\\x00'::bytea || 'another'::bytea))`)).toBe(CHECK_VIOLATION);
  });

  it('let tiles and the state grow only', async () => {
    expect(await refusal('sequencer', `UPDATE log_tiles SET hashes = hashes || sha256('')`)).toBeUndefined();
    expect(await refusal('sequencer', `UPDATE log_tiles SET hashes = sha256('') || hashes`)).toBe(RAISED);
    expect(await refusal('sequencer', 'UPDATE log_tiles SET index = index + 1')).toBe(RAISED);
    expect(await refusal('sequencer', 'UPDATE log_state SET size = size + 1')).toBeUndefined();
    expect(await refusal('sequencer', 'UPDATE log_state SET size = size - 1')).toBe(RAISED);
    expect(await refusal('sequencer', `UPDATE log_state SET size = size + 1, origin = 'another'`)).toBe(RAISED);
  });

  it('keep application and sequencer from making, dropping or disarming anything', async () => {
    for (const role of ['app', 'sequencer'])
      for (const sql of [
        'CREATE TABLE mine (x int)',
        'DROP TABLE custody_entries',
        'ALTER TABLE custody_entries DISABLE TRIGGER ALL',
        'SET session_replication_role = replica',
        'CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$',
      ])
        expect([role, sql, await refusal(role, sql)]).toEqual([role, sql, PERMISSION_DENIED]);
  });

  it('leave the log as it was', async () => {
    expect(await database.fsck()).toMatchObject({ ok: true, entries: 3n });
  });
});
