import fc from 'fast-check';
import type { Role } from '#identity';
import { DELEGABLE, faultOfDelegation } from './delegation.rules.js';

const NOW = new Date('2026-03-14T12:00:00.000Z');
const DAY = 86_400_000;
const inMs = (ms: number): Date => new Date(NOW.getTime() + ms);
const ROLES: readonly Role[] = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor', 'administrator'];
const account = fc.record({
  human: fc.constantFrom('a', 'b', 'c'),
  roles: fc.uniqueArray(fc.constantFrom(...ROLES)),
  enabled: fc.boolean(),
});

describe('letting another decide in one’s place', () => {
  it('takes a role that one holds, another human being who decides anyway and runs nothing, and an end within 90 days', () => {
    let given = 0;
    fc.assert(
      fc.property(
        account,
        account,
        fc.constantFrom(...DELEGABLE),
        fc.integer({ min: -DAY, max: 120 * DAY }),
        (from, to, role, ms) => {
          const decides = DELEGABLE.some((each) => to.roles.includes(each)) && !to.roles.includes('administrator');
          const good = from.roles.includes(role) && from.human !== to.human && to.enabled && decides && ms > 0 && ms <= 90 * DAY;
          expect(faultOfDelegation(from, to, role, inMs(ms), NOW) === undefined).toBe(good);
          if (good) given++;
        },
      ),
      { numRuns: 2000 },
    );
    expect(given).toBeGreaterThan(20);
  });

  it('has no end that is not a time', () => {
    const from = { human: 'a', roles: ['custodian'], enabled: true } as const;
    expect(faultOfDelegation(from, { ...from, human: 'b' }, 'custodian', new Date(Number.NaN), NOW)).toBe(
      'The end lies in the past.',
    );
  });
});
