import fc from 'fast-check';
import { isPassing, retryAfterMs, waitMs } from './retry.rules.js';

const failures = fc.integer({ min: 1, max: 10_000 });
const random = fc.double({ min: 0, max: 1, noNaN: true });

describe('trying again', () => {
  it('waits longer after each failure, never longer than half a minute, and never not at all', () => {
    fc.assert(
      fc.property(failures, random, (count, drawn) => {
        const wait = waitMs(count, drawn);
        expect(wait).toBeGreaterThanOrEqual(250);
        expect(wait).toBeLessThanOrEqual(30_000);
        expect(waitMs(count + 1, drawn)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });

  it('is never earlier than the service asked for', () => {
    fc.assert(
      fc.property(failures, random, fc.nat(600_000), (count, drawn, asked) => {
        expect(waitMs(count, drawn, asked)).toBeGreaterThanOrEqual(asked);
      }),
    );
  });

  it('is for faults that may pass, not for answers about the request', () => {
    expect([408, 425, 429, 500, 502, 503, 504].every(isPassing)).toBe(true);
    expect([200, 204, 400, 401, 403, 404, 409, 413, 422].some(isPassing)).toBe(false);
  });

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('2026-03-14T12:00:00Z');
    expect(retryAfterMs('7', now)).toBe(7000);
    expect(retryAfterMs('Sat, 14 Mar 2026 12:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Sat, 14 Mar 2026 11:00:00 GMT', now)).toBe(0);
    for (const far of ['999999', 'Sat, 14 Mar 2076 11:00:00 GMT']) expect(retryAfterMs(far, now)).toBe(3_600_000);
    for (const nonsense of [null, '', 'soon', '-1', '1e9', '99999999999']) expect(retryAfterMs(nonsense, now)).toBe(0);
  });
});
