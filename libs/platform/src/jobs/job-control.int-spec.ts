import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { eventually } from '../../../../test/support/eventually.js';
import { JobStage, NOTHING, type Work } from './testing/job-stage.js';

const CANCELLED = 'It was cancelled; the custody record says by whom and why.';

describe('a job', () => {
  let stage: JobStage;
  beforeAll(async () => {
    stage = await JobStage.open();
  }, 60_000);
  afterAll(() => stage.close());
  afterEach(() => stage.clear());

  /** Until it is aborted; says when. */
  const endless =
    (aborted: string[] = []): Work =>
    async (ref, { signal }) => {
      await once(signal, 'abort');
      aborted.push(ref);
      throw new Error('killed');
    };

  const cancel = async (ref: string): Promise<void> => {
    const { id } = await stage.seen(ref);
    await stage.unitOfWork.run((tx) => stage.board.cancel(tx, id));
  };
  const retry = async (ref: string): Promise<void> => {
    const { id } = await stage.seen(ref);
    await stage.unitOfWork.run((tx) => stage.board.retry(tx, id));
  };
  /** As a process that died left it. */
  const begunBySomebodyDead = async (ref: string, starts: number): Promise<void> => {
    await stage.unitOfWork.reader.query('UPDATE outbox SET started_at = now(), worker = $2, starts = $3 WHERE ref = $1', [
      ref,
      randomUUID(),
      starts,
    ]);
  };

  describe('that is urgent', () => {
    /** Holds the only place for a transcode until it is let go. */
    const holding = async (): Promise<{ readonly letGo: () => void }> => {
      const released = Promise.withResolvers<undefined>();
      const first = await stage.ask('transcode');
      stage.start(async (ref) => {
        if (ref === first) await released.promise;
      });
      await stage.began(first);
      return { letGo: () => released.resolve(undefined) };
    };

    it('goes first: a flagged incident, then what a person waits for, then the rest in their order', async () => {
      const { letGo } = await holding();
      const plain = [await stage.ask('transcode'), await stage.ask('transcode')];
      const awaited = await stage.ask('transcode', undefined, { awaited: true });
      const flagged = await stage.ask('transcode', undefined, { flagged: true });
      for (const ref of [...plain, awaited, flagged]) await stage.queued(ref);
      letGo();
      await stage.done(...plain, awaited, flagged);
      expect(stage.runs.slice(1)).toEqual([flagged, awaited, ...plain]);
    }, 30_000);

    it('goes first also when its recording is flagged while it waits', async () => {
      const { letGo } = await holding();
      const refs = [await stage.ask('transcode'), await stage.ask('transcode'), await stage.ask('transcode')];
      for (const ref of refs) await stage.queued(ref);
      const [first = '', second = '', last = ''] = refs;
      await stage.unitOfWork.run((tx) => stage.outbox.flagged(tx, last));
      await eventually('Redis knows', async () => {
        const [key = ''] = (await stage.redis.keys(`*:transcode-${last}`)).filter((each) => !each.endsWith(':lock'));
        return (await stage.redis.hget(key, 'priority')) === '1';
      });
      letGo();
      await stage.done(...refs);
      expect(stage.runs.slice(1)).toEqual([last, first, second]);
    }, 30_000);

    it('is found although a long backlog of other jobs is older', async () => {
      await stage.unitOfWork.reader.query(
        `INSERT INTO outbox (id, job, ref, created_at) SELECT gen_random_uuid(), 'transcode', gen_random_uuid(), now() - interval '1 hour'
         FROM generate_series(1, 1500)`,
      );
      const ref = await stage.ask('seal');
      stage.start(endless());
      await stage.began(ref);
    }, 30_000);
  });

  describe('that is cancelled', () => {
    it('while it waits never runs, and is given up all the same', async () => {
      const ref = await stage.ask('transcode');
      await cancel(ref);
      await expect(retry(ref)).rejects.toThrow('The worker is just ending it.');
      stage.start();
      await stage.parked(ref);
      expect(stage.gaveUp).toEqual([{ ref, message: CANCELLED }]);
      await stage.done(await stage.ask('transcode'));
      expect(stage.runsOf(ref)).toBe(0);
      expect(await stage.seen(ref)).toMatchObject({ state: 'cancelled', percent: null, failures: 0 });
    }, 30_000);

    it('while it runs is ended, in whichever process it runs, and is given up once', async () => {
      const aborted: string[] = [];
      stage.start(endless(aborted));
      stage.start(endless(aborted));
      const ref = await stage.ask('redact');
      await stage.began(ref);
      expect(await stage.seen(ref)).toMatchObject({ state: 'running' });
      await cancel(ref);
      await eventually('it was ended', () => aborted.includes(ref), { everyMs: 10 });
      await stage.parked(ref);
      expect(stage.gaveUp).toEqual([{ ref, message: CANCELLED }]);
      expect(stage.runsOf(ref)).toBe(1);
    }, 30_000);

    it('while Redis cannot be reached is given up all the same', async () => {
      stage.start(NOTHING, undefined, { REDIS_URL: 'redis://127.0.0.1:1/0' });
      const ref = await stage.ask('transcode');
      await cancel(ref);
      await stage.parked(ref);
      expect(stage.gaveUp).toEqual([{ ref, message: CANCELLED }]);
    }, 30_000);

    it('too late is done', async () => {
      stage.start(async (_, { signal }) => void (await once(signal, 'abort')));
      const ref = await stage.ask('transcode');
      await stage.began(ref);
      await cancel(ref);
      await stage.done(ref);
      expect(await stage.seen(ref)).toMatchObject({ state: 'done', percent: 100 });
      expect(stage.gaveUp).toEqual([]);
    }, 30_000);

    it('runs again from the beginning when it is tried again', async () => {
      let hopeless = true;
      stage.start(async (ref, context) => (hopeless ? endless()(ref, context) : undefined));
      const ref = await stage.ask('transcode');
      await stage.began(ref);
      await cancel(ref);
      await stage.parked(ref);
      hopeless = false;
      await retry(ref);
      await stage.done(ref);
      expect(stage.runsOf(ref)).toBe(2);
    }, 30_000);

    it('is one that may be: no sealing, no fixity check, nothing that is over', async () => {
      for (const job of ['seal', 'fixity', 'drop-upload'] as const)
        await expect(cancel(await stage.ask(job))).rejects.toMatchObject({ status: 409, code: 'job-not-cancellable' });
      const ref = await stage.ask('transcode');
      await expect(retry(ref)).rejects.toMatchObject({ code: 'job-not-over', members: { state: 'waiting' } });
      // By two people at once: one of them is told that it is.
      const outcomes = await Promise.allSettled([cancel(ref), cancel(ref)]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await expect(cancel(ref)).rejects.toMatchObject({ code: 'job-over', members: { state: 'cancelled' } });
    }, 30_000);
  });

  describe('whose worker died', () => {
    it('is begun once more, and forgets it when that goes well', async () => {
      const ref = await stage.ask('transcode');
      await begunBySomebodyDead(ref, 1);
      expect(await stage.seen(ref)).toMatchObject({ state: 'waiting', startedAt: null });
      stage.start();
      await stage.done(ref);
      expect(stage.gaveUp).toEqual([]);
    }, 30_000);

    it('twice is parked without a third try, said in a sentence, and runs when somebody has it tried again', async () => {
      const ref = await stage.ask('transcode');
      await begunBySomebodyDead(ref, 2);
      stage.start();
      await stage.parked(ref);
      expect(stage.runsOf(ref)).toBe(0);
      expect(stage.gaveUp).toEqual([{ ref, message: expect.stringMatching(/^The worker ended twice while it was at it/) }]);
      expect(await stage.seen(ref)).toMatchObject({ state: 'parked', lastError: stage.gaveUp[0]?.message });
      await retry(ref);
      await stage.done(ref);
    }, 30_000);

    it('twice is begun all the same when it must not be given up', async () => {
      const ref = await stage.ask('seal');
      await begunBySomebodyDead(ref, 2);
      stage.start();
      await stage.done(ref);
      expect(stage.runsOf(ref)).toBe(1);
    }, 30_000);

    it('is told from one that was handed back in order, however often', async () => {
      const ref = await stage.ask('transcode');
      for (let times = 1; times <= 3; times++) {
        const host = stage.start(endless());
        await stage.began(ref, times);
        expect(await stage.row(ref)).toMatchObject({ starts: 1 });
        await stage.stop(host);
        expect(await stage.row(ref)).toMatchObject({ starts: 0, attempts: 0 });
        expect(await stage.seen(ref)).toMatchObject({ state: 'waiting' });
      }
    }, 30_000);
  });

  it('that runs says how far it is and how long it will take', async () => {
    const goOn = Promise.withResolvers<undefined>();
    stage.start(async (_, { progress, signal }) => {
      // Started a second ago, so that there is a pace.
      await stage.unitOfWork.reader.query(
        "UPDATE outbox SET started_at = now() - interval '10 seconds' WHERE started_at IS NOT NULL",
      );
      for (const percent of [20.7, Number.NaN, 99999, -3]) progress(percent);
      await Promise.race([goOn.promise, once(signal, 'abort')]);
    });
    const ref = await stage.ask('transcode');
    const seen = await eventually('it has said how far it is', async () => {
      const found = await stage.seen(ref);
      return found.percent !== null && found;
    });
    expect(seen).toMatchObject({ state: 'running', percent: 20, recording: ref, nextAttemptAt: null, endedAt: null });
    expect(seen.secondsLeft).toBeGreaterThan(30);
    expect(seen.secondsLeft).toBeLessThanOrEqual(41);
    goOn.resolve(undefined);
    await stage.done(ref);
    expect(await stage.seen(ref)).toMatchObject({ state: 'done', percent: 100, secondsLeft: null, startedAt: null });
  }, 30_000);

  it('that failed says when it is tried again, and no more of the failure than people should read', async () => {
    stage.start(() => Promise.reject(new Error('ENOENT: /srv/secret/path of host db-1')));
    const ref = await stage.ask('seal');
    const failed = await eventually('it has failed', async () => {
      const found = await stage.seen(ref);
      return found.failures > 0 && found;
    });
    expect(failed.lastError).toBe('Something unexpected went wrong; the worker log says what.');
    expect(['waiting', 'running']).toContain(failed.state);
    await stage.unitOfWork.reader.query("UPDATE outbox SET due_at = now() + interval '1 minute' WHERE ref = $1", [ref]);
    await Promise.all(stage.hosts.map((host) => stage.stop(host)));
    expect((await stage.seen(ref)).nextAttemptAt?.getTime()).toBeGreaterThan(Date.now() + 30_000);
  }, 30_000);

  it('is listed by its state, its kind and its recording, page by page, newest first', async () => {
    const recording = randomUUID();
    const refs: string[] = [];
    for (const job of ['seal', 'transcode', 'redact', 'fixity', 'redact'] as const)
      refs.push(await stage.ask(job, undefined, { recording }));
    await stage.unitOfWork.run(async (tx) => {
      const { jobs } = await stage.board.list({ recording, job: 'transcode', limit: 1 });
      await stage.board.cancel(tx, jobs[0]?.id ?? '');
    });
    const pages: string[] = [];
    for (let after: string | undefined; ;) {
      const { jobs, next } = await stage.board.list({ recording, limit: 2, after });
      pages.push(...jobs.map(({ ref }) => ref));
      if (next === null) break;
      after = next;
    }
    expect(pages).toEqual([...refs].reverse());
    const found = async (filter: Partial<Parameters<typeof stage.board.list>[0]>): Promise<string[]> =>
      (await stage.board.list({ recording, limit: 50, ...filter })).jobs.map(({ job }) => job);
    expect(await found({ state: 'waiting' })).toEqual(['redact', 'fixity', 'redact', 'seal']);
    expect(await found({ state: 'cancelled' })).toEqual(['transcode']);
    expect(await found({ state: 'waiting', job: 'redact' })).toEqual(['redact', 'redact']);
    for (const state of ['running', 'done', 'parked'] as const) expect(await found({ state })).toEqual([]);
  }, 30_000);
});
