import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { fixityPeriodMs, fixityProblem, nextFixityDue } from './fixity.rules.js';

const DAY = 86_400_000;
const id = fc.uuid({ version: 7 });
const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
const period = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 1e-6, max: 3650, noNaN: true }).map(fixityPeriodMs));

describe('when a recording is hashed again', () => {
  it('is later than now, by at most one period', () => {
    fc.assert(
      fc.property(id, instant, period, (recording, after, ms) => {
        const wait = nextFixityDue(recording, after, ms).getTime() - after.getTime();
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(ms);
      }),
    );
  });

  it('comes round once in every period, and a check that is late or was ordered moves none that follow', () => {
    fc.assert(
      fc.property(id, instant, period, fc.double({ min: 0, max: 0.999, noNaN: true }), (recording, sealed, ms, late) => {
        const due = nextFixityDue(recording, sealed, ms);
        const ended = new Date(due.getTime() + Math.floor(late * ms));
        expect(nextFixityDue(recording, ended, ms).getTime()).toBe(due.getTime() + ms);
        expect(nextFixityDue(recording, new Date(due.getTime() - 1), ms)).toEqual(due);
      }),
    );
  });

  it('is spread over the whole period for recordings that were sealed in the same minute', () => {
    const sealed = new Date('2026-03-14T18:00:00.000Z');
    const days = new Map<number, number>();
    for (let i = 0; i < 18_000; i++) {
      const recording = uuidv7({ msecs: sealed.getTime() + (i % 60_000) });
      const day = Math.floor((nextFixityDue(recording, sealed, 180 * DAY).getTime() - sealed.getTime()) / DAY);
      days.set(day, (days.get(day) ?? 0) + 1);
    }
    // A hundred a day; six standard deviations to each side.
    expect(days.size).toBe(180);
    expect(Math.max(...days.values())).toBeLessThan(160);
    expect(Math.min(...days.values())).toBeGreaterThan(40);
  });

  it('can be a fraction of a day, and never no time at all', () => {
    expect(fixityPeriodMs(0.5)).toBe(DAY / 2);
    expect(fixityPeriodMs(1e-12)).toBe(1);
  });
});

describe('a stored version', () => {
  const bytes = Buffer.from('the video');
  const sha256 = createHash('sha256').update(bytes).digest();
  const lockedUntil = new Date('2027-03-14T09:26:53.589Z');
  const sealed = { size: bytes.length, sha256, lockedUntil };
  const found = { size: bytes.length, sha256, lock: { until: lockedUntil } };

  it('is what was sealed when bytes and lock are', () => {
    expect(fixityProblem(sealed, found)).toBeUndefined();
    expect(fixityProblem(sealed, { ...found, lock: { until: new Date(lockedUntil.getTime() + DAY) } })).toBeUndefined();
    // Stores keep seconds.
    expect(fixityProblem(sealed, { ...found, lock: { until: new Date('2027-03-14T09:26:53.000Z') } })).toBeUndefined();
    expect(fixityProblem({ ...sealed, lockedUntil: null }, { ...found, lock: { until: new Date(0) } })).toBeUndefined();
  });

  it.each([
    ['gone', undefined, /no longer has/],
    ['longer', { ...found, size: 10 }, /^The stored version has 10 bytes; 9 were sealed\.$/],
    [
      'of other bytes',
      { ...found, sha256: Buffer.alloc(32) },
      /^The stored version's SHA-256 is 0{64}; [0-9a-f]{64} was sealed\.$/,
    ],
    ['no longer locked', { ...found, lock: undefined }, /no longer locked\.$/],
    [
      'locked for less long',
      { ...found, lock: { until: new Date('2027-03-14T09:26:52.000Z') } },
      /instead of 2027-03-14T09:26:53/,
    ],
  ] as const)('is a problem when it is %s', (_, version, problem) => {
    expect(fixityProblem(sealed, version)).toMatch(problem);
  });

  it('of another SHA-256 is always a problem', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        const other = Buffer.from(digest);
        expect(fixityProblem(sealed, { ...found, sha256: other }) === undefined).toBe(other.equals(sha256));
      }),
    );
  });
});
