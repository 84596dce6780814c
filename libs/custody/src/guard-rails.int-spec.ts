import { randomUUID } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { cosign, generateWitnessKey, parseCosigner } from '#tlog';
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
const NOT_NULL_VIOLATION = '23502';
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
    const witness = generateWitnessKey('witness.example');
    const line = cosign((await database.log.newestCheckpoint())?.note ?? '', parseCosigner(witness.skey), new Date());
    await database.superuser.query('INSERT INTO log_cosignatures VALUES (3, $1, $2, now())', [witness.vkey, line]);
    await database.superuser.query(
      `INSERT INTO log_timestamps VALUES (3, 'http://authority', 'note', 'response', now(), sha256('note'))`,
    );
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

  it.each([
    ['capitals and spaces in its type', `'Bad Type'`, 'now()'],
    ['no type', `''`, 'now()'],
    ['a type that ends in a dot', `'signed-out.'`, 'now()'],
    ['a type of 65 letters', `repeat('a', 65)`, 'now()'],
    ['no end of time', `'signed-out'`, `'infinity'`],
    ['a time before 1970', `'signed-out'`, `'1969-12-31T23:59:59Z'`],
  ])('keep out what could never get a place: %s', async (_, type, at) => {
    const row = `gen_random_uuid(), gen_random_uuid(), ${type}, ${at}, sha256('')`;
    expect(await refusal('app', `INSERT INTO custody_pending (id, subject, type, at, pc) VALUES (${row})`)).toBe(CHECK_VIOLATION);
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

  it('accept no salt, commitment or file hash that has not 32 bytes, from nobody', async () => {
    const pending = (sha256: string, pc: string): string =>
      `INSERT INTO custody_pending (id, subject, type, at, sha256, pc) VALUES (gen_random_uuid(), gen_random_uuid(), 'signed-out', now(), ${sha256}, ${pc})`;
    for (const role of ['app', 'superuser']) {
      expect(await refusal(role, pending(`sha256('')`, `sha256('')`))).toBeUndefined();
      for (const bytes of [`''`, `substring(sha256('') FOR 31)`, `sha256('') || '\\x00'::bytea`]) {
        expect(await refusal(role, pending(bytes, `sha256('')`))).toBe(CHECK_VIOLATION);
        expect(await refusal(role, pending('NULL', bytes))).toBe(CHECK_VIOLATION);
        expect(await refusal(role, `INSERT INTO custody_payloads VALUES (gen_random_uuid(), ${bytes}, '{}')`)).toBe(
          CHECK_VIOLATION,
        );
      }
      expect(await refusal(role, pending('NULL', 'NULL'))).toBe(NOT_NULL_VIOLATION);
      expect(await refusal(role, `INSERT INTO custody_payloads VALUES (gen_random_uuid(), NULL, '{}')`)).toBe(NOT_NULL_VIOLATION);
    }
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

  describe('for the destruction of a payload', () => {
    const [subject, another, unsaid] = [randomUUID(), randomUUID(), randomUUID()];
    let placed: string;
    let pending: string;

    beforeAll(async () => {
      const sequencer = database.start();
      [placed = ''] = await database.appendSequenced(subject);
      await database.stop(sequencer);
      [pending = ''] = await database.append(subject);
    }, 30_000);

    const PC = `sha256('custodiet/payload/v1'::bytea || '\\x00'::bytea || sha256('salt') || convert_to(payload, 'UTF8'))`;
    /** Puts a `payload.erased` entry that names `entries` into the pending ones. */
    const say = (entries: readonly string[], about = subject, { id = unsaid, type = 'payload.erased', pc = PC } = {}): string => `
      INSERT INTO custody_payloads VALUES ('${id}', sha256('salt'), '${JSON.stringify({ event: { entries, reason: 'a drill' } })}');
      INSERT INTO custody_pending (id, subject, type, at, pc)
        SELECT entry, '${about}', '${type}', now(), ${pc} FROM custody_payloads WHERE entry = '${id}';`;
    const destroy = (...entries: readonly string[]): string =>
      `DELETE FROM custody_payloads WHERE entry IN (${entries.map((entry) => `'${entry}'`).join(', ')})`;

    it('let it go when a later entry about the same subject names it, and only then', async () => {
      const later = randomUUID();
      const cases: Readonly<Record<string, readonly [sql: string, answer: string | undefined]>> = {
        'named, placed': [say([placed]) + destroy(placed), undefined],
        'named, pending': [say([pending]) + destroy(pending), undefined],
        'both in one statement': [say([pending, placed]) + destroy(pending, placed), undefined],
        'nothing says so': [destroy(placed), RAISED],
        'another one is named': [say([pending]) + destroy(placed), RAISED],
        'one of two is named': [say([placed]) + destroy(placed, pending), RAISED],
        'all of the table': [say([placed, pending]) + 'DELETE FROM custody_payloads', RAISED],
        'an entry about something else names it': [say([placed], another) + destroy(placed), RAISED],
        'an entry about something else names it, and one of its own': [
          say([], another, { id: later, type: 'signed-out' }) + say([later, placed], another) + destroy(later, placed),
          RAISED,
        ],
        'an entry of another type names it': [say([placed], subject, { type: 'access.revoked' }) + destroy(placed), RAISED],
        'the entry commits to another payload': [say([placed], subject, { pc: `sha256('other')` }) + destroy(placed), RAISED],
        'the entry came before': [say([later]) + say([], subject, { id: later, type: 'signed-out' }) + destroy(later), RAISED],
        'the erasure itself': [say([placed, unsaid]) + destroy(unsaid), RAISED],
        'an earlier erasure': [say([placed]) + say([unsaid], subject, { id: later }) + destroy(unsaid), RAISED],
        'the erasure along with what it names': [say([placed, unsaid]) + destroy(placed, unsaid), RAISED],
        'a payload without an entry': [
          `INSERT INTO custody_payloads VALUES ('${later}', sha256('salt'), '{}');` + say([later]) + destroy(later),
          RAISED,
        ],
      };
      for (const [what, [sql, answer]] of Object.entries(cases))
        for (const role of ['owner', 'superuser']) expect([what, role, await refusal(role, sql)]).toEqual([what, role, answer]);
      await database.superuser.query('SET session_replication_role = replica');
      try {
        for (const [what, [sql, answer]] of Object.entries(cases))
          expect([what, await refusal('superuser', sql)]).toEqual([what, answer]);
      } finally {
        await database.superuser.query('RESET session_replication_role');
      }
    });

    it('take an entry that names nothing in words that nobody can read for none, and others at their word', async () => {
      for (const payload of ['not JSON', '[]', '{"event":{"entries":"all"}}', '{"event":{"entries":{"0":1}}}']) {
        const unreadable = say([]).replace(/'\{"event".*\}'\)/, `'${payload}')`);
        expect(unreadable).toContain(payload);
        expect([payload, await refusal('superuser', unreadable + destroy(placed))]).toEqual([payload, RAISED]);
        const beside = unreadable + say([placed], subject, { id: randomUUID() });
        expect([payload, await refusal('superuser', beside + destroy(placed))]).toEqual([payload, undefined]);
      }
    });

    it('give the application one way, which destroys exactly what the entry names, and others none', async () => {
      const erase = (about = subject, id = unsaid): string => `SELECT custody_erase('${about}', '${id}')`;
      expect(await refusal('app', say([placed, pending]) + erase())).toBeUndefined();
      expect(await refusal('app', say([placed]) + destroy(placed))).toBe(PERMISSION_DENIED);
      const refused = [
        ['no entry', erase()],
        ['of another subject', say([placed]) + erase(another)],
        ['of another type', say([placed], subject, { type: 'access.revoked' }) + erase()],
        ['naming nothing', say([]) + erase()],
        ['naming what is not there', say([placed, another]) + erase()],
        ['naming one twice', say([placed, placed]) + erase()],
        ['a second time', say([placed]) + `${erase()};` + erase()],
        ['naming itself', say([placed, unsaid]) + erase()],
      ] as const;
      for (const [what, sql] of refused) expect([what, await refusal('app', sql)]).toEqual([what, RAISED]);
      expect(await refusal('sequencer', erase())).toBe(PERMISSION_DENIED);
    });

    it('are not fooled by tables of the same names that come first in the search path', async () => {
      const shadow = `CREATE TEMP TABLE custody_pending AS SELECT * FROM public.custody_pending;
        CREATE TEMP TABLE custody_payloads AS SELECT * FROM public.custody_payloads; SET LOCAL search_path = pg_temp, public;`;
      expect(await refusal('app', `${shadow} ${say([placed])} SELECT custody_erase('${subject}', '${unsaid}')`)).toBe(RAISED);
      const gone = `DELETE FROM public.custody_payloads WHERE entry = '${placed}'`;
      expect(await refusal('superuser', `${shadow} ${say([placed])} ${gone}`)).toBe(RAISED);
    });
  });

  it('leave the log as it was', async () => {
    expect(await database.fsck()).toMatchObject({ ok: true, entries: 5n });
  });
});
