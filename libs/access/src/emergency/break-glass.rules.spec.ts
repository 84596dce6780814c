import fc from 'fast-check';
import type { Role } from '#identity';
import { isOverdue, reviewersAmong, whyNotTaken } from './break-glass.rules.js';
import { DEFAULT_POLICY } from '../policy/access-policy.rules.js';

const ROLES: readonly Role[] = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor', 'administrator'];
const policy = DEFAULT_POLICY.breakGlass;
const open = { released: true, lockedAgainst: [], subjects: [], takenBack: false };
const somebody = (...roles: Role[]): { human: string; roles: Role[] } => ({ human: 'h', roles });

describe('access taken in an emergency', () => {
  it.each(['investigator', 'supervisor'] as const)('is for a person with the role %s, by the built-in policy', (role) => {
    expect(whyNotTaken(somebody(role), policy, open)).toBeUndefined();
  });

  it.each(['officer', 'custodian', 'auditor', 'administrator'] as const)('is not for the role %s', (role) => {
    expect(whyNotTaken(somebody(role), policy, open)).toBe('role');
  });

  it('is for nobody who also administers, and for nobody where the policy has none', () => {
    expect(whyNotTaken(somebody('investigator', 'administrator'), policy, open)).toBe('role');
    expect(whyNotTaken(somebody('investigator'), null, open)).toBe('role');
  });

  it('overrides no lock, opens no footage of the own conduct, and lets no redaction out', () => {
    expect(whyNotTaken(somebody('investigator'), policy, { ...open, lockedAgainst: ['h'] })).toBe('locked');
    expect(whyNotTaken(somebody('investigator'), policy, { ...open, subjects: ['h'] })).toBe('subject-of-request');
    expect(whyNotTaken(somebody('investigator', 'custodian'), policy, { ...open, released: false })).toBe('not-released');
  });

  it('is not taken again by whom it was taken back from', () => {
    expect(whyNotTaken(somebody('investigator'), policy, { ...open, takenBack: true })).toBe('grant-revoked');
  });

  it('is never given where any of the three stands against it, whatever the roles', () => {
    const roles = fc.subarray([...ROLES]);
    fc.assert(
      fc.property(roles, fc.boolean(), fc.boolean(), fc.boolean(), (held, locked, shown, released) => {
        const facts = { ...open, released, lockedAgainst: locked ? ['h'] : ['other'], subjects: shown ? ['h'] : ['other'] };
        const taken = whyNotTaken({ human: 'h', roles: held }, policy, facts) === undefined;
        expect(taken && (locked || shown || !released)).toBe(false);
        if (locked) expect(whyNotTaken({ human: 'h', roles: held }, policy, facts)).toBe('locked');
      }),
    );
  });
});

describe('those who review it', () => {
  const person = (id: string, sameAs: string | null = null): { id: string; sameAs: string | null } => ({ id, sameAs });

  it('are neither whoever took it nor whom it shows, under whatever account', () => {
    const people = [person('a'), person('a2', 'a'), person('b'), person('b2', 'b'), person('c'), person('c')];
    expect(reviewersAmong(people, 'a', ['b'])).toEqual([person('c')]);
  });

  it('are late once the time is over and nobody has', () => {
    const now = new Date('2026-03-14T12:00:00Z');
    const before = new Date(now.getTime() - 1);
    expect(isOverdue({ reviewedAt: null, dueAt: now }, now)).toBe(true);
    expect(isOverdue({ reviewedAt: null, dueAt: now }, before)).toBe(false);
    expect(isOverdue({ reviewedAt: before, dueAt: before }, now)).toBe(false);
    expect(isOverdue({ reviewedAt: null, dueAt: null }, now)).toBe(false);
  });
});
