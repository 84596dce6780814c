import fc from 'fast-check';
import { unevenTimes } from './picture-times.rules.js';

const STEADY = [5, 12.5, 15, 24, 25, 30_000 / 1001, 30, 60];

describe('unevenTimes', () => {
  it('takes every steady rate for even, rounded to milliseconds, from any beginning, in any order, with one gap', () => {
    const cases = fc.record({
      rate: fc.constantFrom(...STEADY),
      count: fc.integer({ min: 0, max: 500 }),
      start: fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
      gapMs: fc.integer({ min: 0, max: 60_000 }),
      gapAt: fc.nat(500),
    });
    fc.assert(
      fc.property(cases, ({ rate, count, start, gapMs, gapAt }) => {
        const times = Array.from({ length: count }, (_, i) => start + Math.round((i * 1000) / rate) + (i > gapAt ? gapMs : 0));
        expect(unevenTimes(times.reverse())).toBe(false);
      }),
    );
  });

  it('finds pictures uneven that are dropped here and there', () => {
    const times = Array.from({ length: 300 }, (_, i) => i * 33).filter((_, i) => (i * 7) % 11 > 3);
    expect(unevenTimes(times)).toBe(true);
  });

  it('finds the rate uneven that changes midway', () => {
    const first = Array.from({ length: 50 }, (_, i) => i * 33);
    expect(unevenTimes([...first, ...first.map((time) => 1700 + time * 2)])).toBe(true);
  });
});
