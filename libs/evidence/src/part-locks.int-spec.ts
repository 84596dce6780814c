import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { isDatabaseOutage, type Config } from '#platform';
import { PartLocks } from './part-locks.js';

const url = process.env['DATABASE_ADMIN_URL'] ?? '';
const opened: PartLocks[] = [];

/** As in one API process. */
function processOn(databaseUrl = url): PartLocks {
  const made = new PartLocks({ DATABASE_URL: databaseUrl } as Config);
  opened.push(made);
  return made;
}

/** Ends the connections that hold or ask for locks. */
async function cutConnections(): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'custodiet part locks'");
  } finally {
    await client.end();
  }
}

describe('the lock on a part', () => {
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.onApplicationShutdown()));
  });

  it('lets one at a time work on a part, in one process and in several', async () => {
    const recording = randomUUID();
    const processes = [processOn(), processOn(), processOn()];
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const work = Array.from({ length: 9 }, (_, i) =>
      processes[i % 3]!.holding(recording, 1, async () => {
        most = Math.max(most, ++inside);
        await new Promise((turn) => setImmediate(turn));
        order.push(i);
        inside -= 1;
      }),
    );
    await Promise.all(work);
    expect([most, order.length]).toEqual([1, 9]);
  });

  it('does not keep other parts waiting, nor those of other recordings', async () => {
    const [recording, other] = [randomUUID(), randomUUID()];
    const [here, there] = [processOn(), processOn()];
    await here.holding(recording, 1, async () => {
      expect(await there.holding(recording, 2, () => Promise.resolve('part 2'))).toBe('part 2');
      expect(await here.holding(other, 1, () => Promise.resolve('other'))).toBe('other');
    });
  });

  it('is free again when the work on it fails', async () => {
    const recording = randomUUID();
    const [here, there] = [processOn(), processOn()];
    await expect(here.holding(recording, 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await there.holding(recording, 1, () => Promise.resolve('yes'))).toBe('yes');
    expect(await here.holding(recording, 1, () => Promise.resolve('yes'))).toBe('yes');
  });

  it('stays with whoever has it when another gave up waiting for it', async () => {
    const recording = randomUUID();
    const here = processOn();
    const busy = { code: 'busy' };
    await here.holding(recording, 1, async () => {
      for (let i = 0; i < 3; i += 1)
        await expect(here.holding(recording, 1, () => Promise.resolve(), 50)).rejects.toMatchObject(busy);
    });
    expect(await here.holding(recording, 1, () => Promise.resolve('next'))).toBe('next');
  });

  it('tells whoever holds it when it is lost with its connection, and the next gets another', async () => {
    const recording = randomUUID();
    const here = processOn();
    await here.holding(recording, 1, async (lost) => {
      expect(lost.aborted).toBe(false);
      const told = new Promise((aborted) => lost.addEventListener('abort', aborted));
      await cutConnections();
      await told;
      expect(await processOn().holding(recording, 1, () => Promise.resolve('another'))).toBe('another');
    });
    await here.holding(recording, 1, (lost) => {
      expect(lost.aborted).toBe(false);
      return Promise.resolve();
    });
  });

  it('cannot be had while the database is down, which is an outage and no fault', async () => {
    const unreachable = processOn('postgres://nobody@127.0.0.1:9/none');
    const refused = await unreachable.holding(randomUUID(), 1, () => Promise.resolve()).catch((error: unknown) => error);
    expect(isDatabaseOutage(refused)).toBe(true);
  });
});
