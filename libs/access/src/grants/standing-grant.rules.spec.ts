import fc from 'fast-check';
import type { GrantAction } from '#identity';
import { DEFAULT_POLICY, type StandingRule } from '../policy/access-policy.rules.js';
import { standingRule } from './standing-grant.rules.js';

const GRANT_ACTIONS: readonly GrantAction[] = ['view', 'view-unredacted', 'export', 'disclose'];

const rule = (relation: StandingRule['relation'], actions: StandingRule['actions'] = ['view']): StandingRule => ({
  ...{ name: `for-${relation}`, role: 'supervisor', relation, purposes: ['supervision'], actions },
  ...{ hours: 8, maxViewings: null },
});

describe('a standing rule of the policy', () => {
  it.each([
    ['own', { own: true, shown: true, sampled: false }, true],
    ['own', { own: false, shown: false, sampled: true }, false],
    ['sampled', { own: false, shown: false, sampled: true }, true],
    ['sampled', { own: false, shown: false, sampled: false }, false],
    ['any', { own: false, shown: false, sampled: false }, true],
  ] as const)('for %s recordings, where %p: %p', (relation, relations, fits) => {
    expect(standingRule([rule(relation)], 'view', relations)?.relation).toBe(fits ? relation : undefined);
  });

  it('lets nobody review or check footage of their own conduct', () => {
    const relations = { own: true, shown: true, sampled: true };
    expect(standingRule([rule('sampled'), rule('any')], 'view', relations)).toBeUndefined();
  });

  it('opens nothing as ones own for what the register of cameras says, but bars from review for it', () => {
    const relations = { own: false, shown: true, sampled: true };
    expect(standingRule([rule('own'), rule('sampled'), rule('any')], 'view', relations)).toBeUndefined();
  });

  it('opens nothing that needs more than it says', () => {
    const relations = { own: true, shown: true, sampled: false };
    expect(standingRule([rule('own')], 'view-unredacted', relations)).toBeUndefined();
    expect(standingRule([rule('own', ['view', 'view-unredacted'])], 'view-unredacted', relations)).toBeDefined();
  });

  it('never lets footage out of the house, whatever the relation', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.boolean(), fc.constantFrom(...GRANT_ACTIONS), (own, shown, sampled, needs) => {
        const found = standingRule(DEFAULT_POLICY.standing, needs, { own, shown, sampled });
        expect(found === undefined || needs === 'view' || needs === 'view-unredacted').toBe(true);
      }),
    );
  });

  it('is the first that fits', () => {
    const rules = [rule('sampled'), rule('any'), { ...rule('any'), name: 'later' }];
    expect(standingRule(rules, 'view', { own: false, shown: false, sampled: false })?.name).toBe('for-any');
  });
});
