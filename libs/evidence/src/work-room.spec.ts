import fc from 'fast-check';
import { WorkRoom } from './work-room.js';

/** Lets everything happen that can. */
const settle = (): Promise<void> => new Promise((next) => setImmediate(next));

describe('the room for work', () => {
  it('lets in who fits, and the others in turn when room is given back', async () => {
    const room = new WorkRoom(10);
    const entered: string[] = [];
    const enter = (name: string, bytes: number): Promise<() => void> =>
      room.take(bytes).then((leave) => {
        entered.push(name);
        return leave;
      });
    const first = await enter('first', 6);
    const large = enter('large', 9);
    const small = enter('small', 1);
    await settle();
    // Small would fit, but large came before it.
    expect(entered).toEqual(['first']);
    first();
    (await large)();
    (await small)();
    expect(entered).toEqual(['first', 'large', 'small']);
    expect(room.inUse).toBe(0);
  });

  it('says how much is missing to a job that could never be done', async () => {
    const room = new WorkRoom(50 * 2 ** 30);
    const refused = room.take(60.5 * 2 ** 30);
    await expect(refused).rejects.toThrow('The work needs 60.5 GiB of disk and the worker may use 50.0 GiB (WORK_DIR_GIB).');
    (await room.take(50 * 2 ** 30))();
  });

  it('forgets who was called away while waiting', async () => {
    const room = new WorkRoom(10);
    const leave = await room.take(8);
    const call = new AbortController();
    const called = room.take(5, call.signal);
    const behind = room.take(2);
    call.abort(new Error('told to stop'));
    await expect(called).rejects.toThrow('told to stop');
    (await behind)();
    leave();
    leave();
    expect(room.inUse).toBe(0);
    await expect(room.take(1, call.signal)).rejects.toThrow('told to stop');
  });

  it('never promises more than there is, and lets everybody in at last', async () => {
    const job = fc.record({ bytes: fc.integer({ min: 0, max: 10 }), turns: fc.integer({ min: 0, max: 5 }), stops: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 30 }), async (jobs) => {
        const room = new WorkRoom(10);
        let [inside, ended] = [0, 0];
        await Promise.all(
          jobs.map(async ({ bytes, turns, stops }) => {
            const call = new AbortController();
            if (stops) setImmediate(() => call.abort(new Error('told to stop')));
            const leave = await room.take(bytes, call.signal).catch(() => undefined);
            if (leave !== undefined) {
              inside += bytes;
              expect(inside).toBeLessThanOrEqual(10);
              expect(room.inUse).toBeLessThanOrEqual(10);
              for (let i = 0; i < turns; i++) await settle();
              inside -= bytes;
              leave();
            }
            ended += 1;
          }),
        );
        expect([ended, room.inUse]).toEqual([jobs.length, 0]);
      }),
      { numRuns: 50 },
    );
  });
});
