import fc from 'fast-check';
import { JOBS } from './job-catalogue.js';
import { startsOf, waitAfter } from './job-retry.rules.js';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the wait after a failure', () => {
  it('is positive and never longer than five minutes, however many there were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), chance, (failures, by) => {
        const wait = waitAfter(failures, by);
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(300);
      }),
    );
  });

  it('is longer after one failure more, whatever chance takes off, until it is five minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), chance, chance, (failures, a, b) => {
        expect(waitAfter(failures + 1, a)).toBeGreaterThan(waitAfter(failures, b));
      }),
    );
  });

  it('differs for jobs that failed together', () => {
    expect(new Set([0, 0.25, 0.5, 0.75].map((by) => waitAfter(5, by))).size).toBe(4);
  });
});

describe('how often a job is begun although its worker dies of it', () => {
  it('is as configured, and ten times that for sealing, which nobody could make up for', () => {
    expect(startsOf(JOBS.transcode, 2)).toBe(2);
    expect(startsOf(JOBS.seal, 2)).toBe(20);
  });
});
