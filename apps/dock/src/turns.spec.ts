import fc from 'fast-check';
import { Turns } from './turns.js';
import { compareUrgency, type Urgency } from './urgency.rules.js';

const urgency = fc.record({
  flagged: fc.boolean(),
  recordedAt: fc.integer({ min: 0, max: 1000 }).map((n) => new Date(n * 1000).toISOString()),
  path: fc.string({ maxLength: 3 }),
});
const forever = new AbortController().signal;

it('the order of files is total, takes flagged ones first and then the oldest', () => {
  fc.assert(
    fc.property(urgency, urgency, urgency, (a, b, c) => {
      expect(Math.sign(compareUrgency(a, b))).toBe(-Math.sign(compareUrgency(b, a)));
      if (compareUrgency(a, b) <= 0 && compareUrgency(b, c) <= 0) expect(compareUrgency(a, c)).toBeLessThanOrEqual(0);
      if (a.flagged && !b.flagged) expect(compareUrgency(a, b)).toBeLessThan(0);
      if (a.flagged === b.flagged && a.recordedAt < b.recordedAt) expect(compareUrgency(a, b)).toBeLessThan(0);
    }),
  );
});

it('turns go to the most urgent of those who wait, to so many and so many bytes at once, and to everybody in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(urgency, fc.integer({ min: 0, max: 100 })), { minLength: 1, maxLength: 20 }),
      async (atOnce, asked) => {
        const turns = new Turns(atOnce, 150);
        const order: Urgency[] = [];
        let [now, bytesNow] = [0, 0];
        const work = asked.map(([each, bytes]) =>
          turns.during(
            each,
            forever,
            async () => {
              order.push(each);
              [now, bytesNow] = [now + 1, bytesNow + bytes];
              expect(now).toBeLessThanOrEqual(atOnce);
              expect(now === 1 || bytesNow <= 150).toBe(true);
              await Promise.resolve();
              [now, bytesNow] = [now - 1, bytesNow - bytes];
            },
            bytes,
          ),
        );
        await Promise.all(work);
        expect(order).toHaveLength(asked.length);
        if (atOnce === 1) expect(order).toEqual([...order].sort(compareUrgency));
      },
    ),
  );
});

it('whoever gives up waiting lets the others go on, and a turn that fails is given back', async () => {
  const [turns, ending] = [new Turns(1), new AbortController()];
  const first = { flagged: false, recordedAt: '', path: 'a' };
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const holding = turns.during(first, forever, () => {
    begun.resolve();
    return promise;
  });
  await begun.promise;
  const given = turns.during(first, ending.signal, () => Promise.reject(new Error('never begun')));
  const last = turns.during({ ...first, path: 'z' }, forever, () => Promise.resolve('done'));
  ending.abort(new Error('given up'));
  await expect(given).rejects.toThrow('given up');
  resolve();
  await holding;
  expect(await last).toBe('done');
  await expect(turns.during(first, forever, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await turns.during(first, forever, () => Promise.resolve('again'))).toBe('again');
});
