import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { eventually } from '../../../../test/support/eventually.js';
import { Hopeless, JOBS, type JobName } from './job-catalogue.js';
import { JobStage, NOTHING, type OutboxRow, type Work } from './testing/job-stage.js';

const UNEXPECTED = 'Something unexpected went wrong; the worker log says what.';

describe('the job host', () => {
  let stage: JobStage;
  beforeAll(async () => {
    stage = await JobStage.open();
  }, 60_000);
  afterAll(() => stage.close());
  afterEach(() => stage.clear());

  it('runs a job that was asked for in a committed transaction, once', async () => {
    stage.start();
    const first = await stage.ask('seal');
    await stage.done(first);
    await stage.ask('seal', first);
    await stage.done(await stage.ask('seal'));
    expect(stage.runsOf(first)).toBe(1);
    expect(await stage.row(first)).toMatchObject({ done: true, parked: false, attempts: 0, last_error: null });
  }, 30_000);

  it('never runs a job that was asked for in a transaction that was rolled back', async () => {
    stage.start();
    const ref = randomUUID();
    const failing = stage.unitOfWork.run(async (tx) => {
      await stage.outbox.add(tx, 'seal', ref, { recording: ref, flagged: false });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await stage.done(await stage.ask('seal'));
    expect(stage.runsOf(ref)).toBe(0);
    expect(await stage.row(ref)).toBeUndefined();
  }, 30_000);

  it('finds jobs that were asked for while no host was there', async () => {
    const refs = [await stage.ask('seal'), await stage.ask('transcode'), await stage.ask('redact')];
    stage.start();
    await stage.done(...refs);
    expect([...stage.runs].sort()).toEqual([...refs].sort());
  }, 30_000);

  it('still runs a waiting job, and runs the running one no second time, when Redis has forgotten everything', async () => {
    const released = Promise.withResolvers<undefined>();
    const work: Work = async (ref, { signal }) => {
      if (ref === slow) await Promise.race([released.promise, once(signal, 'abort')]);
    };
    const slow = await stage.ask('transcode');
    stage.start(work);
    await stage.began(slow);
    const waiting = await stage.ask('transcode');
    await stage.queued(waiting);

    expect(await stage.forgetAll()).toBeGreaterThan(0);
    // A second host is free to take what the relay queues again: only the lock in the database keeps it from the running job.
    stage.start(work);
    await eventually('the running job was offered again', () => stage.admitted.filter((ref) => ref === slow).length > 1);
    await stage.done(waiting);
    released.resolve(undefined);
    await stage.done(slow);
    expect([stage.runsOf(slow), stage.runsOf(waiting)]).toEqual([1, 1]);
  }, 60_000);

  it('tries a failing job again, and after the last attempt gives it up once and parks it', async () => {
    stage.start(() => Promise.reject(new Error('the disk is full')));
    const ref = await stage.ask('redact');
    await eventually('the job is parked', async () => {
      await stage.hurry(ref);
      return (await stage.row(ref))?.parked;
    });
    expect(stage.runsOf(ref)).toBe(JOBS.redact.attempts);
    expect(stage.gaveUp).toEqual([{ ref, message: 'the disk is full' }]);
    expect(await stage.row(ref)).toMatchObject({
      done: false,
      parked: true,
      attempts: JOBS.redact.attempts,
      last_error: UNEXPECTED,
    });

    await stage.done(await askFor('seal', NOTHING));
    expect(stage.runsOf(ref)).toBe(JOBS.redact.attempts);
  }, 60_000);

  /** Asks for a job and adds a host that can do it. */
  const askFor = async (job: JobName, work: Work): Promise<string> => {
    await Promise.all(stage.hosts.map((host) => stage.stop(host)));
    stage.start(work);
    return stage.ask(job);
  };

  it('waits longer after each failure, but never longer than five minutes', async () => {
    let fails = 0;
    stage.start(() => Promise.reject(new Error(`failure ${++fails}`)));
    const ref = await stage.ask('seal');
    const failed = (attempts: number): Promise<OutboxRow> =>
      eventually(`attempt ${attempts} has failed`, async () => {
        const found = await stage.row(ref);
        return found?.attempts === attempts ? found : undefined;
      });
    expect((await failed(1)).waits).toBeLessThanOrEqual(1);
    await stage.unitOfWork.reader.query('UPDATE outbox SET attempts = 5 WHERE ref = $1', [ref]);
    await stage.hurry(ref);
    const later = await failed(6);
    expect(later.waits).toBeGreaterThan(20);
    expect(later.waits).toBeLessThanOrEqual(32);
    await stage.unitOfWork.reader.query('UPDATE outbox SET attempts = 5000 WHERE ref = $1', [ref]);
    await stage.hurry(ref);
    const muchLater = await failed(5001);
    expect(muchLater.waits).toBeGreaterThan(220);
    expect(muchLater.waits).toBeLessThanOrEqual(300);
    // What can fail in sealing is the infrastructure, so it is never given up.
    expect(stage.gaveUp).toEqual([]);
    expect(muchLater.parked).toBe(false);
  }, 60_000);

  it('parks a hopeless job at once', async () => {
    stage.start(() => Promise.reject(new Hopeless('this is no video')));
    const ref = await stage.ask('transcode');
    await stage.parked(ref);
    expect(stage.runsOf(ref)).toBe(1);
    expect(stage.gaveUp).toEqual([{ ref, message: 'this is no video' }]);
    expect(await stage.row(ref)).toMatchObject({ done: false, attempts: 1, last_error: 'this is no video' });
  }, 30_000);

  it('does not park a job as long as its failure could not be recorded', async () => {
    let unwritable = true;
    stage.start(
      () => Promise.reject(new Hopeless('this is no video')),
      () => unwritable,
    );
    const ref = await stage.ask('transcode');
    await eventually('it was given up', () => stage.gaveUp.length > 0);
    expect((await stage.row(ref))?.parked).toBe(false);
    unwritable = false;
    await eventually('the job is parked', async () => {
      await stage.hurry(ref);
      return (await stage.row(ref))?.parked;
    });
    expect(stage.gaveUp.every((each) => each.ref === ref && each.message === 'this is no video')).toBe(true);
  }, 30_000);

  it('runs each job once when two hosts share the work', async () => {
    const refs = await Promise.all(Array.from({ length: 40 }, () => stage.ask('seal')));
    const work: Work = () => new Promise((resolve) => setImmediate(resolve));
    stage.start(work);
    stage.start(work);
    await stage.done(...refs);
    expect([...stage.runs].sort()).toEqual([...refs].sort());
  }, 60_000);

  it('aborts the running job when it is told to stop, counts no attempt, and another host finishes it', async () => {
    let aborted = false;
    const untilAborted: Work = async (_, { signal }) => {
      await once(signal, 'abort');
      aborted = true;
      throw new Error('killed');
    };
    const first = stage.start(untilAborted);
    const ref = await stage.ask('transcode');
    await stage.began(ref);
    await stage.stop(first);
    expect(aborted).toBe(true);
    expect(await stage.row(ref)).toMatchObject({ done: false, parked: false, attempts: 0, last_error: null });

    stage.start();
    await stage.done(ref);
    expect(stage.runsOf(ref)).toBe(2);
    expect(stage.gaveUp).toEqual([]);
  }, 60_000);

  it('stops also when Redis cannot be reached, with a job asked for meanwhile', async () => {
    const cutOff = stage.start(NOTHING, undefined, { REDIS_URL: 'redis://127.0.0.1:1/0' });
    const ref = await stage.ask('seal');
    await stage.stop(cutOff);
    expect(await stage.row(ref)).toMatchObject({ done: false, attempts: 0 });
    stage.start();
    await stage.done(ref);
  });

  it('does not run a job that the gate refuses, and keeps it open', async () => {
    const ref = randomUUID();
    stage.refused.add(ref);
    stage.start();
    await stage.ask('redact', ref);
    await eventually('the gate was asked', () => stage.admitted.includes(ref));
    await stage.done(await stage.ask('redact'));
    expect(stage.runsOf(ref)).toBe(0);
    expect(await stage.row(ref)).toMatchObject({ done: false, parked: false, attempts: 0 });
  }, 30_000);
});
