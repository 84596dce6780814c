import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { eventually } from '../../../../test/support/eventually.js';
import { testEnvironment, type TestEnvironment } from '../../../../test/support/stack.js';
import { loadConfig, type Config } from '../config.js';
import { Notifications } from '../database/notifications.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Hopeless, JOB_NAMES, JOBS, type JobContext, type JobHandlers, type JobName } from './job-catalogue.js';
import { JobHost } from './job-host.js';
import { Outbox } from './outbox.js';

type Work = (ref: string, context: JobContext) => Promise<void>;

interface OutboxRow {
  readonly attempts: number;
  readonly last_error: string | null;
  readonly done: boolean;
  readonly parked: boolean;
  readonly waits: number;
}

describe('the job host', () => {
  let environment: TestEnvironment;
  let config: Config;
  let dataSource: DataSource;
  let unitOfWork: UnitOfWork;
  let redis: Redis;
  const outbox = new Outbox();
  let hosts: { readonly host: JobHost; readonly notifications: Notifications }[] = [];
  /** In the order in which it happened, over all hosts. */
  let runs: string[] = [];
  let gaveUp: { readonly ref: string; readonly message: string }[] = [];
  let admitted: string[] = [];
  let refused = new Set<string>();

  beforeAll(async () => {
    Logger.overrideLogger(false);
    environment = await testEnvironment();
    config = loadConfig('worker', { ...environment.env });
    dataSource = await new DataSource({ type: 'postgres', url: config.DATABASE_URL, poolSize: 12 }).initialize();
    unitOfWork = new UnitOfWork(dataSource);
    redis = new Redis(config.REDIS_URL);
  }, 60_000);

  afterAll(async () => {
    await forgetAll();
    redis.disconnect();
    await dataSource.destroy();
    await environment.dispose();
  });

  afterEach(async () => {
    await Promise.all(hosts.map(stop));
    await unitOfWork.reader.query('UPDATE outbox SET parked_at = now() WHERE done_at IS NULL AND parked_at IS NULL');
    [hosts, runs, gaveUp, admitted, refused] = [[], [], [], [], new Set()];
  });

  const nothing: Work = () => Promise.resolve();
  const start = (work: Work = nothing, failsToGiveUp: () => boolean = () => false): (typeof hosts)[number] => {
    const handler = {
      run: async (ref: string, context: JobContext) => {
        runs.push(ref);
        await work(ref, context);
      },
      gaveUp: (ref: string, error: Error) => {
        gaveUp.push({ ref, message: error.message });
        return failsToGiveUp() ? Promise.reject(new Error('the record could not be written')) : Promise.resolve();
      },
    };
    const admit = (_: JobName, ref: string): void => {
      admitted.push(ref);
      if (refused.has(ref)) throw new Error('this job may not run');
    };
    const handlers = Object.fromEntries(JOB_NAMES.map((name) => [name, handler])) as unknown as JobHandlers;
    const notifications = new Notifications(config);
    const host = new JobHost(config, handlers, { admit }, unitOfWork, notifications);
    host.onApplicationBootstrap();
    const running = { host, notifications };
    hosts.push(running);
    return running;
  };
  const stop = async ({ host, notifications }: (typeof hosts)[number]): Promise<void> => {
    hosts = hosts.filter((each) => each.host !== host);
    await host.onApplicationShutdown();
    await notifications.onApplicationShutdown();
  };

  /** Asks for a job in a transaction of its own. @returns its ref */
  const ask = async (job: JobName, ref: string = randomUUID()): Promise<string> => {
    await unitOfWork.run((tx) => outbox.add(tx, job, ref));
    return ref;
  };
  const row = async (ref: string): Promise<OutboxRow | undefined> => {
    const rows = await unitOfWork.reader.query<OutboxRow[]>(
      `SELECT attempts, last_error, done_at IS NOT NULL AS done, parked_at IS NOT NULL AS parked, extract(epoch FROM due_at - now())::float AS waits
       FROM outbox WHERE ref = $1`,
      [ref],
    );
    return rows[0];
  };
  const done = (...refs: string[]): Promise<true> =>
    eventually(
      'the jobs are done',
      async () => (await Promise.all(refs.map(row))).every((each) => each?.done === true) || undefined,
    );
  const parked = (ref: string): Promise<true> =>
    eventually('the job is parked', async () => (await row(ref))?.parked === true || undefined);
  const began = (ref: string, times = 1): Promise<true> =>
    eventually('the job has begun', () => runs.filter((each) => each === ref).length >= times || undefined);
  /** Spares the test the pauses between attempts. */
  const hurry = async (ref: string): Promise<void> => {
    await unitOfWork.reader.query('UPDATE outbox SET due_at = now() WHERE ref = $1 AND due_at > now()', [ref]);
    await unitOfWork.reader.query('NOTIFY outbox');
  };
  /** What FLUSHALL does, to the keys of this database only. */
  const forgetAll = async (): Promise<number> => {
    const keys = await redis.keys(`*${environment.database.name}*`);
    return keys.length === 0 ? 0 : redis.del(keys);
  };
  const runsOf = (ref: string): number => runs.filter((each) => each === ref).length;

  it('runs a job that was asked for in a committed transaction, once', async () => {
    start();
    const first = await ask('seal');
    await done(first);
    await ask('seal', first);
    await done(await ask('seal'));
    expect(runsOf(first)).toBe(1);
    expect(await row(first)).toMatchObject({ done: true, parked: false, attempts: 0, last_error: null });
  }, 30_000);

  it('never runs a job that was asked for in a transaction that was rolled back', async () => {
    start();
    const ref = randomUUID();
    const failing = unitOfWork.run(async (tx) => {
      await outbox.add(tx, 'seal', ref);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await done(await ask('seal'));
    expect(runsOf(ref)).toBe(0);
    expect(await row(ref)).toBeUndefined();
  }, 30_000);

  it('finds jobs that were asked for while no host was there', async () => {
    const refs = [await ask('seal'), await ask('transcode'), await ask('redact')];
    start();
    await done(...refs);
    expect([...runs].sort()).toEqual([...refs].sort());
  }, 30_000);

  it('still runs a waiting job, and runs the running one no second time, when Redis has forgotten everything', async () => {
    const released = Promise.withResolvers<undefined>();
    const work: Work = async (ref, { signal }) => {
      if (ref === slow) await Promise.race([released.promise, once(signal, 'abort')]);
    };
    const slow = await ask('transcode');
    start(work);
    await began(slow);
    const waiting = await ask('transcode');
    await eventually(
      'the second job waits in Redis',
      async () => (await redis.keys(`*${environment.database.name}*${waiting}`)).length > 0,
    );

    expect(await forgetAll()).toBeGreaterThan(0);
    // A second host is free to take what the relay queues again: only the lock in the database keeps it from the running job.
    start(work);
    await eventually('the running job was offered again', () => admitted.filter((ref) => ref === slow).length > 1);
    await done(waiting);
    released.resolve(undefined);
    await done(slow);
    expect([runsOf(slow), runsOf(waiting)]).toEqual([1, 1]);
  }, 60_000);

  it('tries a failing job again, and after the last attempt gives it up once and parks it', async () => {
    start(() => Promise.reject(new Error('the disk is full')));
    const ref = await ask('redact');
    await eventually('the job is parked', async () => {
      await hurry(ref);
      return (await row(ref))?.parked;
    });
    expect(runsOf(ref)).toBe(JOBS.redact.attempts);
    expect(gaveUp).toEqual([{ ref, message: 'the disk is full' }]);
    expect(await row(ref)).toMatchObject({
      done: false,
      parked: true,
      attempts: JOBS.redact.attempts,
      last_error: 'the disk is full',
    });

    await done(await askFor('seal', nothing));
    expect(runsOf(ref)).toBe(JOBS.redact.attempts);
  }, 60_000);

  /** Asks for a job and adds a host that can do it. */
  const askFor = async (job: JobName, work: Work): Promise<string> => {
    await Promise.all(hosts.map(stop));
    start(work);
    return ask(job);
  };

  it('waits longer after each failure, but never longer than five minutes', async () => {
    let fails = 0;
    start(() => Promise.reject(new Error(`failure ${++fails}`)));
    const ref = await ask('seal');
    const failed = (attempts: number): Promise<OutboxRow> =>
      eventually(`attempt ${attempts} has failed`, async () => {
        const found = await row(ref);
        return found?.attempts === attempts ? found : undefined;
      });
    expect((await failed(1)).waits).toBeLessThanOrEqual(1);
    await unitOfWork.reader.query('UPDATE outbox SET attempts = 5 WHERE ref = $1', [ref]);
    await hurry(ref);
    const later = await failed(6);
    expect(later.waits).toBeGreaterThan(20);
    expect(later.waits).toBeLessThanOrEqual(32);
    await unitOfWork.reader.query('UPDATE outbox SET attempts = 5000 WHERE ref = $1', [ref]);
    await hurry(ref);
    const muchLater = await failed(5001);
    expect(muchLater.waits).toBeGreaterThan(280);
    expect(muchLater.waits).toBeLessThanOrEqual(300);
    // What can fail in sealing is the infrastructure, so it is never given up.
    expect(gaveUp).toEqual([]);
    expect(muchLater.parked).toBe(false);
  }, 60_000);

  it('parks a hopeless job at once', async () => {
    start(() => Promise.reject(new Hopeless('this is no video')));
    const ref = await ask('transcode');
    await parked(ref);
    expect(runsOf(ref)).toBe(1);
    expect(gaveUp).toEqual([{ ref, message: 'this is no video' }]);
    expect(await row(ref)).toMatchObject({ done: false, attempts: 1, last_error: 'this is no video' });
  }, 30_000);

  it('does not park a job as long as its failure could not be recorded', async () => {
    let unwritable = true;
    start(
      () => Promise.reject(new Hopeless('this is no video')),
      () => unwritable,
    );
    const ref = await ask('transcode');
    await eventually('it was given up', () => gaveUp.length > 0);
    expect((await row(ref))?.parked).toBe(false);
    unwritable = false;
    await eventually('the job is parked', async () => {
      await hurry(ref);
      return (await row(ref))?.parked;
    });
    expect(gaveUp.every((each) => each.ref === ref && each.message === 'this is no video')).toBe(true);
  }, 30_000);

  it('runs each job once when two hosts share the work', async () => {
    const refs = await Promise.all(Array.from({ length: 40 }, () => ask('seal')));
    const work: Work = () => new Promise((resolve) => setImmediate(resolve));
    start(work);
    start(work);
    await done(...refs);
    expect([...runs].sort()).toEqual([...refs].sort());
  }, 60_000);

  it('aborts the running job when it is told to stop, counts no attempt, and another host finishes it', async () => {
    let aborted = false;
    const untilAborted: Work = async (_, { signal }) => {
      await once(signal, 'abort');
      aborted = true;
      throw new Error('killed');
    };
    const first = start(untilAborted);
    const ref = await ask('transcode');
    await began(ref);
    await stop(first);
    expect(aborted).toBe(true);
    expect(await row(ref)).toMatchObject({ done: false, parked: false, attempts: 0, last_error: null });

    start();
    await done(ref);
    expect(runsOf(ref)).toBe(2);
    expect(gaveUp).toEqual([]);
  }, 60_000);

  it('stops also when Redis cannot be reached, with a job asked for meanwhile', async () => {
    const reachable = config;
    config = { ...config, REDIS_URL: 'redis://127.0.0.1:1/0' };
    const cutOff = start();
    config = reachable;
    const ref = await ask('seal');
    await stop(cutOff);
    expect(await row(ref)).toMatchObject({ done: false, attempts: 0 });
    start();
    await done(ref);
  });

  it('does not run a job that the gate refuses, and keeps it open', async () => {
    const ref = randomUUID();
    refused.add(ref);
    start();
    await ask('redact', ref);
    await eventually('the gate was asked', () => admitted.includes(ref));
    await done(await ask('redact'));
    expect(runsOf(ref)).toBe(0);
    expect(await row(ref)).toMatchObject({ done: false, parked: false, attempts: 0 });
  }, 30_000);
});
