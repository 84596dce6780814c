import { randomUUID } from 'node:crypto';
import { QueryFailedError } from 'typeorm';
import { CustodyDatabase } from './testing/custody-database.js';

describe('appending to the custody log', () => {
  let database: CustodyDatabase;

  beforeAll(async () => (database = await CustodyDatabase.create()), 60_000);
  afterAll(() => database.close());

  it('is refused outside a transaction, and in one that has ended', async () => {
    const subject = randomUUID();
    await expect(database.appendIn(database.unitOfWork.reader, subject)).rejects.toThrow('inside a transaction only');
    const ended = await database.unitOfWork.run((tx) => Promise.resolve(tx));
    await expect(database.appendIn(ended, subject)).rejects.toThrow('inside a transaction only');
    expect(await database.rows('SELECT 1 FROM custody_pending WHERE subject = $1', [subject])).toEqual([]);
  });

  it('gives every payload 32 random bytes of its own as salt', async () => {
    const entries = 300;
    await database.unitOfWork.run(async (tx) => {
      for (let i = 0; i < entries; i++) await database.appendIn(tx, randomUUID());
    });
    const rows = await database.rows<{ salt: Buffer }>('SELECT salt FROM custody_payloads');
    const salts = new Set(rows.map(({ salt }) => salt.toString('hex')));
    expect(salts.size).toBe(entries);
    // 32 bytes of zeroes in a row come by chance once in 2^256.
    for (const salt of salts) expect(salt).toMatch(/^(?!0{64})[0-9a-f]{64}$/);
  });

  it('of many entries at once keeps their order, and writes all of them or none', async () => {
    const subjects = Array.from({ length: 1500 }, () => randomUUID());
    const entries = subjects.flatMap((subject) =>
      (['first', 'second'] as const).map((reason) => {
        return { subject, event: { type: 'access.denied', request: subject, reason } as const };
      }),
    );
    const appendAll = (all: Parameters<typeof database.custody.appendAll>[1]): Promise<void> =>
      database.unitOfWork.run((tx) => database.custody.appendAll(tx, all, { kind: 'system', id: null, name: 'test' }));
    const placed = (): Promise<{ subject: string; reason: string }[]> =>
      database.rows(
        `SELECT p.subject, l.payload::jsonb -> 'event' ->> 'reason' AS reason FROM custody_pending p
         JOIN custody_payloads l ON l.entry = p.id WHERE p.subject = ANY($1) ORDER BY p.ord`,
        [subjects],
      );
    const broken = { subject: 'no UUID', event: { type: 'access.denied', request: '', reason: 'first' } } as const;
    await expect(appendAll([...entries, broken])).rejects.toBeInstanceOf(QueryFailedError);
    expect(await placed()).toEqual([]);
    await appendAll(entries);
    expect(await placed()).toEqual(entries.map(({ subject, event: { reason } }) => ({ subject, reason })));
  });

  it('fails like every other statement of the transaction, which then leaves nothing behind', async () => {
    const subject = randomUUID();
    let first = '';
    const failing = database.unitOfWork.run(async (tx) => {
      first = await database.appendIn(tx, subject);
      return database.appendIn(tx, 'no UUID');
    });
    await expect(failing).rejects.toBeInstanceOf(QueryFailedError);
    expect(await database.rows('SELECT 1 FROM custody_payloads WHERE entry = $1', [first])).toEqual([]);
    expect(await database.rows('SELECT 1 FROM custody_pending WHERE subject = $1', [subject])).toEqual([]);
  });

  it('is tried again from the start after a deadlock, and then written once', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    await database.superuser.query('CREATE TABLE locked (id uuid PRIMARY KEY); GRANT SELECT, UPDATE ON locked TO custodiet_app');
    await database.superuser.query('INSERT INTO locked VALUES ($1), ($2)', [one, other]);
    const [hasOne, hasOther] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const subject = randomUUID();
    let attempts = 0;
    const lockBoth = (a: string, b: string, mine: PromiseWithResolvers<undefined>, theirs: Promise<undefined>) =>
      database.unitOfWork.run(async (tx) => {
        attempts += 1;
        await database.appendIn(tx, subject);
        await tx.query('SELECT 1 FROM locked WHERE id = $1 FOR UPDATE', [a]);
        mine.resolve(undefined);
        await theirs;
        await tx.query('SELECT 1 FROM locked WHERE id = $1 FOR UPDATE', [b]);
      });
    await Promise.all([lockBoth(one, other, hasOne, hasOther.promise), lockBoth(other, one, hasOther, hasOne.promise)]);
    expect(attempts).toBe(3);
    expect(await database.rows('SELECT 1 FROM custody_pending WHERE subject = $1', [subject])).toHaveLength(2);
  }, 30_000);

  it('goes on after its connections were cut, with statements that the new ones do not know yet', async () => {
    const subject = randomUUID();
    await database.append(subject, 2);
    await database.superuser.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'custodiet_app'`);
    await expect(
      (async () => {
        for (;;) {
          try {
            return await database.append(subject);
          } catch (error) {
            if (!/terminat|Connection|ECONNRESET|closed/i.test(String(error))) throw error;
          }
        }
      })(),
    ).resolves.toHaveLength(1);
    expect(await database.rows('SELECT 1 FROM custody_pending WHERE subject = $1', [subject])).toHaveLength(3);
  }, 30_000);
});

describe('a batch of the sequencer', () => {
  let database: CustodyDatabase;

  beforeAll(async () => (database = await CustodyDatabase.create()), 60_000);
  afterAll(() => database.close());

  it('is not placed on a tile that was cut, and the log is frozen', async () => {
    const sequencer = database.start();
    await database.appendSequenced(randomUUID(), 3);
    await database.tamper((run) => run('UPDATE log_tiles SET hashes = substring(hashes FOR 64)', []));
    await database.append(randomUUID());
    expect(await database.untilFrozen(sequencer)).toBe("tile 0/0 does not fit the log's state");
    expect(await database.size()).toBe(3n);
    expect(await database.rows('SELECT 1 FROM custody_pending')).toHaveLength(1);
  }, 30_000);
});
