import fc from 'fast-check';
import { secondsLeft, shownPercent } from './job-progress.rules.js';

const anything = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 100, 1e300));
const T0 = Date.parse('2026-03-14T12:00:00.000Z');

describe('what is shown of progress', () => {
  it('is a whole number from 0 to 99 that never goes back, whatever is reported', () => {
    fc.assert(
      fc.property(fc.array(anything), (reports) => {
        let shown = 0;
        for (const reported of reports) {
          const next = shownPercent(shown, reported);
          expect(Number.isInteger(next)).toBe(true);
          expect(next).toBeGreaterThanOrEqual(shown);
          expect(next).toBeLessThanOrEqual(99);
          shown = next;
        }
      }),
    );
  });

  it.each([
    [0, 0.9, 0],
    [0, 41.99, 41],
    [50, 41, 50],
    [98, 100, 99],
  ])('after %d and a report of %d is %d', (before, reported, shown) => {
    expect(shownPercent(before, reported)).toBe(shown);
  });
});

describe('the time that is left', () => {
  const pace = (percent: number, tookMs: number): Parameters<typeof secondsLeft>[0] => ({
    startedAt: new Date(T0),
    progressedAt: new Date(T0 + tookMs),
    percent,
  });

  it('is never negative and never no number', () => {
    const percent = fc.integer({ min: -5, max: 105 });
    const ms = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(percent, ms, ms, (reached, took, later) => {
        const left = secondsLeft(pace(reached, took), new Date(T0 + later));
        expect(left === null || (Number.isSafeInteger(left) && left >= 0)).toBe(true);
      }),
    );
  });

  it('counts down between two reports, second by second', () => {
    const reached = fc.integer({ min: 1, max: 99 });
    const took = fc.integer({ min: 1, max: 1e8 });
    fc.assert(
      fc.property(reached, took, fc.nat(1e6), fc.nat(1e6), (percent, tookMs, a, b) => {
        const at = (ms: number): number => secondsLeft(pace(percent, tookMs), new Date(T0 + tookMs + ms)) ?? -1;
        expect(at(Math.max(a, b))).toBeLessThanOrEqual(at(Math.min(a, b)));
      }),
    );
  });

  it('is less the further it is after the same time', () => {
    const percents = fc.integer({ min: 1, max: 98 });
    fc.assert(
      fc.property(percents, fc.integer({ min: 1, max: 1e8 }), (percent, tookMs) => {
        const at = (reached: number): number => secondsLeft(pace(reached, tookMs), new Date(T0 + tookMs)) ?? -1;
        expect(at(percent + 1)).toBeLessThanOrEqual(at(percent));
      }),
    );
  });

  it('goes by the pace: a quarter in ten seconds leaves thirty', () => {
    expect(secondsLeft(pace(25, 10_000), new Date(T0 + 10_000))).toBe(30);
    expect(secondsLeft(pace(25, 10_000), new Date(T0 + 15_000))).toBe(25);
    expect(secondsLeft(pace(0, 10_000), new Date(T0 + 15_000))).toBeNull();
  });
});
