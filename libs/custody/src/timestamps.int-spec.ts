import { randomUUID } from 'node:crypto';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { Clock } from '#platform';
import { readTimestamp, timestampPath, verifyBundle, type BundleVerdict } from '#tlog';
import { eventually } from '../../../test/support/eventually.js';
import { nobodysUrl, sendTimestamp, TimestampAuthority, type Misbehaviour } from '../../../test/support/timestamp-authority.js';
import { sampleBundle } from '../../tlog/src/sample-log.js';
import type { SignedCheckpoint } from './custody-log.service.js';
import { CustodyDatabase } from './testing/custody-database.js';
import { TimestampSchedule } from './timestamp-schedule.js';
import { LogTimestamps } from './timestamps.service.js';

/** Keeps what the product says to its operator. */
class Heard extends ConsoleLogger {
  readonly lines: string[] = [];

  override log(): void {}

  override warn(_fields: unknown, message: unknown): void {
    this.lines.push(String(message));
  }
}

describe('timestamps of checkpoints', () => {
  let database: CustodyDatabase;
  let first: TimestampAuthority;
  let second: TimestampAuthority;
  const heard = new Heard();

  beforeAll(async () => {
    [first, second] = await Promise.all([TimestampAuthority.start(), TimestampAuthority.start({ digest: 'sha512' })]);
  }, 60_000);
  afterAll(() => Promise.all([first.stop(), second.stop()]));
  beforeEach(async () => {
    database = await CustodyDatabase.create();
    Logger.overrideLogger(heard);
    heard.lines.length = 0;
    for (const authority of [first, second]) {
      authority.misbehaviour = undefined;
      authority.queries.length = 0;
    }
  }, 60_000);
  afterEach(async () => {
    Logger.overrideLogger(false);
    await database.close();
  });

  const timestampsOf = (...urls: string[]): LogTimestamps =>
    new LogTimestamps({ TIMESTAMP_AUTHORITIES: urls }, database.unitOfWork, new Clock());
  const signed = async (): Promise<SignedCheckpoint> => {
    await database.appendSequenced(randomUUID());
    return database.log.checkpointCovering((await database.size()) - 1n);
  };
  const rows = (): Promise<{ size: string; authority: string; note: string; response: Buffer }[]> =>
    database.rows('SELECT size, authority, note, response FROM log_timestamps ORDER BY size, authority');

  it('are asked for once, stored, and verify with openssl over the exact note', async () => {
    database.start();
    const checkpoint = await signed();
    const timestamps = timestampsOf(first.url, second.url);
    const given = await timestamps.of(checkpoint);
    expect(given.map(({ authority }) => authority)).toEqual([first.url, second.url].toSorted());
    for (const { authority, response } of given) {
      const by = authority === first.url ? first : second;
      expect(await by.verify(response, Buffer.from(checkpoint.note))).toMatchObject({ ok: true });
    }
    expect(await rows()).toMatchObject(
      given.map(({ authority, response }) => ({ ...checkpoint, size: '1', authority, response })),
    );
    expect(await timestamps.of(checkpoint)).toEqual(given);
    expect([first.queries.length, second.queries.length]).toEqual([1, 1]);
    expect(heard.lines).toEqual([]);
  });

  it('are none without an authority, but those on record are still given', async () => {
    database.start();
    const checkpoint = await signed();
    expect(await timestampsOf().of(checkpoint)).toEqual([]);
    const given = await timestampsOf(first.url).of(checkpoint);
    expect(given).toHaveLength(1);
    expect(await timestampsOf().of(checkpoint)).toEqual(given);
  });

  it('of one authority do not wait for another that is down, which is asked again the next time', async () => {
    database.start();
    const checkpoint = await signed();
    const down = await nobodysUrl();
    const given = await timestampsOf(first.url, down.replace('http://', 'http://agency:secret@')).of(checkpoint);
    expect(given.map(({ authority }) => authority)).toEqual([first.url]);
    expect(heard.lines).toEqual([
      expect.stringContaining(
        `the checkpoint of 1 entries has no timestamp of ${down}: it cannot be reached: connect ECONNREFUSED`,
      ),
    ]);
    second.misbehaviour = (_, answer) => void answer.writeHead(503).end();
    const timestamps = timestampsOf(first.url, second.url);
    expect(await timestamps.of(checkpoint)).toHaveLength(1);
    second.misbehaviour = undefined;
    expect(await timestamps.of(checkpoint)).toHaveLength(2);
    expect(first.queries).toHaveLength(1);
  });

  it('delay whoever wants them by no more than a few seconds', async () => {
    database.start();
    const checkpoint = await signed();
    second.misbehaviour = () => undefined;
    const before = performance.now();
    expect(await timestampsOf(first.url, second.url).of(checkpoint)).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(8000);
    expect(heard.lines).toEqual([expect.stringContaining(`${second.url}: it did not answer within 5 s`)]);
  }, 30_000);

  it('that are not what was asked for are not stored, and the operator is told why', async () => {
    database.start();
    const checkpoint = await signed();
    const earlier = (await timestampsOf(second.url).of(checkpoint))[0]!.response;
    const misbehaviours: readonly (readonly [string, Misbehaviour])[] = [
      ['it answered 500', (_, answer) => void answer.writeHead(500).end()],
      ['its answer is no timestamp', (_, answer) => sendTimestamp(answer, Buffer.from('rubbish'))],
      ['it answered with the timestamp of another request', (_, answer) => sendTimestamp(answer, earlier)],
      [
        'it answered with a timestamp of something else',
        async (query, answer, honest) => sendTimestamp(answer, await honest(otherImprint(query))),
      ],
      [
        'The authority did not grant it (status 0x02)',
        async (query, answer, honest) => sendTimestamp(answer, await honest(otherDigest(query))),
      ],
    ];
    for (const [why, misbehaviour] of misbehaviours) {
      heard.lines.length = 0;
      first.misbehaviour = misbehaviour;
      expect(await timestampsOf(first.url).of(checkpoint)).toHaveLength(1); // the one of the second authority
      expect(heard.lines).toEqual([expect.stringContaining(why)]);
    }
    expect(await rows()).toHaveLength(1);
  });

  it('asked for by several processes at once are the same for all', async () => {
    database.start();
    const checkpoint = await signed();
    const given = await Promise.all([1, 2, 3].map(() => timestampsOf(first.url).of(checkpoint)));
    expect(given[1]).toEqual(given[0]);
    expect(given[2]).toEqual(given[0]);
    expect(await rows()).toHaveLength(1);
  });

  it('are of one note: the same checkpoint with further cosignatures has its own', async () => {
    database.start();
    const checkpoint = await signed();
    const cosigned = {
      ...checkpoint,
      note: `${checkpoint.note}— witness.example/board ${Buffer.alloc(76).toString('base64')}\n`,
    };
    const timestamps = timestampsOf(first.url);
    const [plain, more] = [await timestamps.of(checkpoint), await timestamps.of(cosigned)];
    expect(await first.verify(plain[0]!.response, Buffer.from(checkpoint.note))).toMatchObject({ ok: true });
    expect(await first.verify(more[0]!.response, Buffer.from(cosigned.note))).toMatchObject({ ok: true });
    expect(await timestamps.of(checkpoint)).toEqual(plain);
    expect((await rows()).map(({ note }) => note).toSorted()).toEqual([checkpoint.note, cosigned.note].toSorted());
  });

  it('stay as they were: no role changes, deletes or misnames one', async () => {
    database.start();
    await timestampsOf(first.url).of(await signed());
    const change = (sql: string): Promise<unknown> => database.unitOfWork.run((tx) => tx.query(sql));
    await expect(change('DELETE FROM log_timestamps')).rejects.toThrow('permission denied');
    await expect(database.rows(`UPDATE log_timestamps SET authority = 'x'`)).rejects.toThrow();
    await expect(database.rows('DELETE FROM log_timestamps')).rejects.toThrow();
    await expect(database.rows('TRUNCATE log_timestamps')).rejects.toThrow();
    const misnamed = `INSERT INTO log_timestamps SELECT size + 1, authority, note || 'x', response, at, note_sha256 FROM log_timestamps`;
    await expect(change(misnamed)).rejects.toThrow('violates check constraint');
    expect(await rows()).toHaveLength(1);
  });

  describe('by schedule', () => {
    const running: TimestampSchedule[] = [];
    afterEach(() => Promise.all(running.splice(0).map((each) => each.onApplicationShutdown())));

    const schedule = (seconds: number, ...urls: string[]): void => {
      const config = { ...database.config, TIMESTAMP_AUTHORITIES: urls, TIMESTAMP_SECONDS: seconds };
      const each = new TimestampSchedule(config, database.log, timestampsOf(...urls));
      running.push(each);
      each.onApplicationBootstrap();
    };
    const untilStored = (count: number): Promise<unknown> =>
      eventually(`${count} are stored`, async () => (await rows()).length === count);

    it('are taken of the newest checkpoint again and again while the log grows, and of none twice', async () => {
      database.start();
      schedule(1, first.url);
      await signed();
      await untilStored(1);
      const { note } = await signed();
      await untilStored(2);
      expect((await rows()).at(-1)?.note).toBe(note);
      await eventually('it has looked again', async () => await timestampsOf(first.url).due(1));
      schedule(1, first.url);
      await running[1]?.onApplicationShutdown();
      expect(first.queries).toHaveLength(2);
    });

    it('are taken by one of several workers, once in the time that is set', async () => {
      database.start();
      await signed();
      const waiting: (() => Promise<void>)[] = [];
      first.misbehaviour = (query, answer, honest) => void waiting.push(async () => sendTimestamp(answer, await honest(query)));
      schedule(3600, first.url);
      await eventually('it has asked', () => waiting.length > 0);
      for (let i = 0; i < 2; i++) schedule(3600, first.url);
      await Promise.all(running.slice(1).map((each) => each.onApplicationShutdown()));
      expect(waiting).toHaveLength(1);
      await waiting[0]?.();
      await untilStored(1);
      await signed();
      schedule(3600, first.url);
      await running.at(-1)?.onApplicationShutdown();
      expect(first.queries).toHaveLength(1);
    });

    it('are due although one is on record that a clock gone wrong has put into the future', async () => {
      database.start();
      const timestamps = timestampsOf(first.url);
      expect(await timestamps.due(3600)).toBe(true);
      await timestamps.of(await signed());
      expect(await timestamps.due(3600)).toBe(false);
      await database.tamper((run) => run(`UPDATE log_timestamps SET at = now() + interval '1 day'`, []));
      expect(await timestamps.due(3600)).toBe(true);
    });

    it('are tried again after a failure, long before the hour is over', async () => {
      database.start();
      await signed();
      first.misbehaviour = (_, answer) => void answer.writeHead(500).end();
      schedule(1, first.url);
      await eventually('it was tried twice', () => first.queries.length >= 2);
      first.misbehaviour = undefined;
      await untilStored(1);
    });

    it('are not asked for without an authority or a checkpoint', async () => {
      schedule(1);
      schedule(1, first.url);
      await running[1]?.onApplicationShutdown();
      expect(first.queries).toEqual([]);
      expect(heard.lines).toEqual([]);
    });
  });

  describe('in an evidence bundle', () => {
    const faults = ({ checks }: BundleVerdict): string[] =>
      checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);

    it('verify as what they are, and make it fail when they are altered, missing in between or of another checkpoint', async () => {
      const { files, log } = await sampleBundle();
      const note = Buffer.from(files.get('checkpoint')!).toString();
      const given = await timestampsOf(first.url, second.url).of({ size: 9n, note });
      const bundle = new Map([...files, ...given.map(({ response }, i) => [timestampPath(i + 1), response] as const)]);
      const verdict = verifyBundle(bundle, { logKey: log.logKey });
      expect(faults(verdict)).toEqual([]);
      expect(verdict.timestamps).toEqual(
        given.map(({ response }, i) => ({ file: timestampPath(i + 1), time: readTimestamp(response).time })),
      );

      const altered = Buffer.from(given[0]!.response);
      altered[altered.indexOf(Buffer.from('0420', 'hex')) + 2]! ^= 1;
      const foreign = (await timestampsOf(first.url).of({ size: 9n, note: `${note}\n` }))[0]!.response;
      for (const put of [altered, foreign])
        expect(faults(verifyBundle(new Map([...bundle, ['timestamps/1.tsr', put]])))).toEqual([
          'timestamps | timestamps/1.tsr | It is a timestamp of something else than the checkpoint of this bundle.',
        ]);
      bundle.delete('timestamps/1.tsr');
      expect(faults(verifyBundle(bundle))).toEqual([
        'timestamps | timestamps/1.tsr | The file is missing: timestamps are counted from 1.',
      ]);
    });
  });
});

/** The query with another digest of the same kind. */
function otherImprint(query: Buffer): Buffer {
  const changed = Buffer.from(query);
  changed[query.indexOf(Buffer.from('0420', 'hex')) + 2]! ^= 1;
  return changed;
}

/** The query with its digest named SHA3-224, which the authority does not take. */
function otherDigest(query: Buffer): Buffer {
  return Buffer.from(query.toString('hex').replace('608648016503040201', '608648016503040207'), 'hex');
}
