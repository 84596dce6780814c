import { randomUUID } from 'node:crypto';
import { Clock } from '#platform';
import { eventually } from '../../../test/support/eventually.js';
import { HeadsSchedule } from './heads-schedule.js';
import { LogHeads } from './heads.service.js';
import { CustodyDatabase } from './testing/custody-database.js';

/** Tells the time it is set to, and how often it was looked at. */
class SetClock extends Clock {
  looks = 0;

  constructor(public time: number) {
    super();
  }

  override now(): Date {
    this.looks += 1;
    return new Date(this.time);
  }

  async lookedAt(times: number): Promise<void> {
    const until = this.looks + times;
    await eventually(`the schedule has looked ${times} times`, () => this.looks >= until, { everyMs: 20 });
  }
}

describe('the schedule of heads maps', () => {
  let database: CustodyDatabase;
  let running: HeadsSchedule[] = [];

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    database.start();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(running.map((each) => each.onApplicationShutdown()));
    running = [];
  });
  afterAll(() => database.close());

  /** As in a worker of its own. */
  function start({ seconds = 1, clock = new Clock() } = {}): void {
    const { log, custody, unitOfWork, config } = database;
    const heads = new LogHeads(unitOfWork, custody, log);
    const schedule = new HeadsSchedule({ ...config, HEADS_SECONDS: seconds }, clock, log, heads);
    running.push(schedule);
    schedule.onApplicationBootstrap();
  }
  async function times(): Promise<number[]> {
    const rows = await database.rows<{ at: Date }>("SELECT at FROM custody_entries WHERE type = 'log.heads' ORDER BY index");
    return rows.map(({ at }) => at.getTime());
  }
  /** As an export does. @returns when it was made */
  async function elsewhere(): Promise<number> {
    const heads = new LogHeads(database.unitOfWork, database.custody, database.log);
    return (await heads.record({ kind: 'system', id: null, name: 'export' })).entry.at.getTime();
  }
  const another = (than: number): Promise<unknown> =>
    eventually('another map is on record', async () => (await times()).length > than, { everyMs: 20 });

  it('makes one after the other while something happens, never two within a period, though three workers run it', async () => {
    for (const _ of [1, 2, 3]) start();
    for (const made of [0, 1, 2]) {
      await database.appendSequenced(randomUUID());
      await another(made);
    }
    const at = await times();
    expect(at).toHaveLength(3);
    for (const [i, time] of at.slice(1).entries()) expect(time - (at[i] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  it('makes none when nothing but a map came since the last one', async () => {
    await database.appendSequenced(randomUUID());
    await elsewhere();
    const before = (await times()).length;
    const clock = new SetClock(Date.now() + 3_600_000);
    start({ clock });
    await clock.lookedAt(3);
    expect(await times()).toHaveLength(before);
    await database.appendSequenced(randomUUID());
    await another(before);
  });

  it('counts from what was made elsewhere, such as for an export', async () => {
    const at = await elsewhere();
    await database.appendSequenced(randomUUID());
    const before = (await times()).length;
    const clock = new SetClock(at + 999);
    start({ clock });
    await clock.lookedAt(3);
    expect(await times()).toHaveLength(before);
    clock.time = at + 1000;
    await another(before);
  });

  it('is not kept away by a clock that was ahead when the last one was made', async () => {
    const at = await elsewhere();
    await database.appendSequenced(randomUUID());
    const before = (await times()).length;
    start({ clock: new SetClock(at - 3_600_000) });
    await another(before);
  });

  it('makes none while the log is frozen, and one when it no longer is', async () => {
    await database.appendSequenced(randomUUID());
    const before = (await times()).length;
    await database.rows("INSERT INTO log_freezes (reason) VALUES ('test')");
    const clock = new SetClock(Date.now() + 3_600_000);
    start({ clock });
    await clock.lookedAt(3);
    expect(await times()).toHaveLength(before);
    expect(await database.rows('SELECT FROM custody_pending')).toEqual([]);
    await database.rows("INSERT INTO log_freezes (frozen, reason) VALUES (false, 'test')");
    await another(before);
  });

  it('tries again after a failure', async () => {
    await database.appendSequenced(randomUUID());
    const before = (await times()).length;
    await database.rows('REVOKE INSERT ON custody_payloads FROM custodiet_app');
    const clock = new SetClock(Date.now() + 3_600_000);
    start({ clock });
    await clock.lookedAt(6);
    expect(await times()).toHaveLength(before);
    await database.rows('GRANT INSERT ON custody_payloads TO custodiet_app');
    await another(before);
  });

  it('ends at once when the worker does', async () => {
    start({ seconds: 86_400 });
    const began = performance.now();
    await running[0]?.onApplicationShutdown();
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
