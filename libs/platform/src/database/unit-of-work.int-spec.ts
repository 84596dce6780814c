import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { freshDatabase, type FreshDatabase } from '../../../../test/support/fresh-database.js';
import { isUniqueViolation, UnitOfWork, type Tx } from './unit-of-work.js';

describe('a unit of work', () => {
  let database: FreshDatabase;
  let dataSource: DataSource;
  let unitOfWork: UnitOfWork;

  beforeAll(async () => {
    database = await freshDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.urls.DATABASE_URL }).initialize();
    unitOfWork = new UnitOfWork(dataSource);
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const insert = (tx: Tx, ref: string): Promise<unknown> =>
    tx.query('INSERT INTO outbox (id, job, ref) VALUES ($1, $2, $3)', [randomUUID(), 'seal', ref]);
  const attemptsOf = async (ref: string): Promise<number | undefined> =>
    (await unitOfWork.reader.query<{ attempts: number }[]>('SELECT attempts FROM outbox WHERE ref = $1', [ref]))[0]?.attempts;
  const touch = (tx: Tx, ref: string): Promise<unknown> =>
    tx.query('UPDATE outbox SET attempts = attempts + 1 WHERE ref = $1', [ref]);
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('commits everything and gives back what the work gave', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const answer = await unitOfWork.run(async (tx) => {
      await insert(tx, a);
      await insert(tx, b);
      return 'done';
    });
    expect(answer).toBe('done');
    expect([await attemptsOf(a), await attemptsOf(b)]).toEqual([0, 0]);
  });

  it('leaves nothing behind when the work fails, and does not try again', async () => {
    const ref = randomUUID();
    let tries = 0;
    const work = unitOfWork.run(async (tx) => {
      tries += 1;
      await insert(tx, ref);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(tries).toBe(1);
    expect(await attemptsOf(ref)).toBeUndefined();
  });

  it('does the work again from the start when the database broke a deadlock', async () => {
    const refs = [randomUUID(), randomUUID()] as const;
    await unitOfWork.run(async (tx) => {
      for (const ref of refs) await insert(tx, ref);
    });
    let tries = 0;
    const locked = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
    const both = (mine: 0 | 1, theirs: 0 | 1): Promise<void> =>
      unitOfWork.run(async (tx) => {
        tries += 1;
        await touch(tx, refs[mine]);
        locked[mine].resolve(undefined);
        await locked[theirs].promise;
        await touch(tx, refs[theirs]);
      });
    await Promise.all([both(0, 1), both(1, 0)]);
    expect(tries).toBeGreaterThan(2);
    expect([await attemptsOf(refs[0]), await attemptsOf(refs[1])]).toEqual([2, 2]);
  }, 30_000);

  it('gives up after five attempts', async () => {
    let tries = 0;
    const work = unitOfWork.run(async (tx) => {
      tries += 1;
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$`);
    });
    await expect(work).rejects.toThrow('no');
    expect(tries).toBe(5);
  });

  it('tells a unique index that already holds the value from every other failure', async () => {
    const ref = randomUUID();
    await unitOfWork.run((tx) => insert(tx, ref));
    const twice = await failure(unitOfWork.run((tx) => insert(tx, ref)));
    expect(isUniqueViolation(twice)).toBe(true);
    expect(isUniqueViolation(twice, 'outbox_job_ref_key')).toBe(true);
    expect(isUniqueViolation(twice, 'outbox_pkey')).toBe(false);
    const missing = await failure(unitOfWork.run((tx) => tx.query('INSERT INTO outbox (id) VALUES ($1)', [randomUUID()])));
    expect(missing).toBeInstanceOf(Error);
    expect(isUniqueViolation(missing)).toBe(false);
    expect(isUniqueViolation(new Error('no'))).toBe(false);
  });
});
