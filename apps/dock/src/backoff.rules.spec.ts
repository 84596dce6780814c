import fc from 'fast-check';
import { isPassing, retryAfterMs, waitMs } from './backoff.rules.js';

const chance = fc.double({ min: 0, max: 1, noNaN: true });

describe('the wait before the next try', () => {
  it('is never under what the server asked for and never over 15 s otherwise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        chance,
        fc.integer({ min: 0, max: 600_000 }),
        (failures, random, asked) => {
          const wait = waitMs(failures, random, asked);
          expect(wait).toBeGreaterThanOrEqual(asked);
          expect(wait).toBeLessThanOrEqual(Math.max(asked, 15_000));
          expect(wait).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('grows with the failures and differs between docks', () => {
    expect([1, 2, 3, 4].map((failures) => waitMs(failures, 1))).toEqual([250, 500, 1000, 2000]);
    expect(waitMs(4, 0)).toBe(1000);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  it.each([
    [undefined, 0],
    ['0', 0],
    ['7', 7000],
    ['Fri, 20 Nov 2026 10:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 09:00:00 GMT', 0],
    ['soon', 0],
    ['999999999', 3_600_000],
    ['Fri, 20 Nov 2076 10:00:00 GMT', 3_600_000],
  ])('%p asks for %d ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});

it('takes 408, 429 and 5xx for passing, and any other 4xx for an answer', () => {
  expect([408, 429, 500, 502, 503, 504].every(isPassing)).toBe(true);
  expect([400, 401, 403, 404, 409, 413, 422].some(isPassing)).toBe(false);
});
