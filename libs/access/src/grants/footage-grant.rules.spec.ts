import fc from 'fast-check';
import { nearestGrant, type Candidate } from './footage-grant.rules.js';

const MISSES = ['grant-used-up', 'grant-not-begun', 'grant-is-for-less', 'grant-expired', 'grant-revoked', 'locked'] as const;
const grant = (miss: Candidate['miss'], minutes = 10, purpose = 'oversight'): Candidate => ({
  ...{ miss, purpose },
  expiresAt: new Date(Date.UTC(2026, 2, 14, 12, minutes)),
});
const any = fc
  .tuple(fc.constantFrom(null, null, ...MISSES), fc.nat(9), fc.constantFrom('oversight', 'training'))
  .map(([miss, minutes, purpose]) => grant(miss, minutes, purpose));

describe('the grant under which footage is opened', () => {
  it('is one that opens it whenever there is one, for the purpose that is confirmed whenever there is one', () => {
    fc.assert(
      fc.property(fc.array(any), fc.constantFrom(undefined, 'oversight', 'training'), (grants, purpose) => {
        const chosen = nearestGrant(grants, purpose);
        const opening = grants.filter(({ miss }) => miss === null);
        expect(chosen?.miss === null).toBe(opening.length > 0);
        if (opening.some((each) => each.purpose === purpose)) expect(chosen?.purpose).toBe(purpose);
      }),
    );
  });

  it('does not depend on the order in which they were given', () => {
    const pair = fc.array(any).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(pair, ([all, shuffled]) => expect(nearestGrant(shuffled, 'training')).toEqual(nearestGrant(all, 'training'))),
    );
  });

  it('is of those the one that lasts longest', () => {
    const long = grant(null, 60);
    expect(nearestGrant([grant(null), long, grant(null, 20)])).toBe(long);
  });

  it('is not one that lasts longer and does not open it', () => {
    const live = grant(null, 1);
    expect(nearestGrant([...MISSES.map((miss) => grant(miss, 999)), live])).toBe(live);
  });

  it('says by the nearest miss why there is none', () => {
    MISSES.forEach((miss, i) =>
      expect(
        nearestGrant(
          MISSES.slice(i)
            .toReversed()
            .map((each) => grant(each)),
        )?.miss,
      ).toBe(miss),
    );
    expect(nearestGrant([])).toBeNull();
  });
});
