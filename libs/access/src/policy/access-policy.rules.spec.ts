import fc from 'fast-check';
import {
  AccessPolicySchema,
  DEFAULT_POLICY,
  dueAt,
  faultsOfPolicy,
  ruleFor,
  standingFor,
  type AccessPolicy,
} from './access-policy.rules.js';
import { PURPOSES, SENSITIVITIES } from '../requests/access-request.rules.js';

const GRANT_ACTIONS = ['view', 'view-unredacted', 'export', 'disclose'] as const;
const [CATCH_ALL] = DEFAULT_POLICY.rules.slice(-1);
const withRules = (rules: readonly object[]): object => ({ ...DEFAULT_POLICY, rules });
const item = fc.record({
  purpose: fc.constantFrom(...PURPOSES),
  sensitivity: fc.constantFrom(...SENSITIVITIES),
  asked: fc.uniqueArray(fc.constantFrom(...GRANT_ACTIONS), { minLength: 1 }),
});
const rule = fc.record(
  {
    purposes: fc.uniqueArray(fc.constantFrom(...PURPOSES), { minLength: 1 }),
    sensitivity: fc.uniqueArray(fc.constantFrom(...SENSITIVITIES), { minLength: 1 }),
    asked: fc.uniqueArray(fc.constantFrom(...GRANT_ACTIONS), { minLength: 1 }),
  },
  { requiredKeys: ['purposes'] },
);

describe('the access policy', () => {
  it('that is built in has no fault, and lets one custodian decide on what is usual', () => {
    expect(faultsOfPolicy(DEFAULT_POLICY)).toEqual([]);
    const usual = { purpose: 'prosecution', sensitivity: 'normal', asked: ['view', 'view-unredacted'] } as const;
    expect(ruleFor(DEFAULT_POLICY, usual)).toEqual({ name: 'one custodian', seats: ['custodian'], need: 1 });
  });

  it('that is built in wants two for what is sensitive, and for what leaves the house', () => {
    const usual = { purpose: 'prosecution', sensitivity: 'normal', asked: ['view'] } as const;
    for (const more of [{ sensitivity: 'high' }, { asked: ['view', 'export'] }, { asked: ['disclose'] }] as const)
      expect(ruleFor(DEFAULT_POLICY, { ...usual, ...more })).toMatchObject({
        need: 2,
        seats: ['custodian', 'custodian', 'supervisor'],
      });
  });

  it('goes by the first rule that matches in everything it names', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), item, (specific, asking) => {
        const named = specific.map((each, i) => ({ ...each, name: `rule ${i}`, seats: ['custodian' as const], need: 1 }));
        const policy: AccessPolicy = { ...DEFAULT_POLICY, rules: [...named, { name: 'rest', seats: ['auditor'], need: 1 }] };
        const expected = named.find(
          (each) =>
            (each.purposes ?? PURPOSES).includes(asking.purpose) &&
            (each.sensitivity ?? SENSITIVITIES).includes(asking.sensitivity) &&
            (each.asked ?? GRANT_ACTIONS).some((action) => asking.asked.includes(action)),
        );
        expect(ruleFor(policy, asking).name).toBe(expected?.name ?? 'rest');
      }),
    );
  });

  it('never has a rule that needs more people than it has seats', () => {
    const seats = fc.array(fc.constantFrom('custodian', 'supervisor'), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(seats, fc.integer({ min: -1, max: 12 }), (sitting, need) => {
        const good = need >= 1 && need <= sitting.length;
        expect(faultsOfPolicy(withRules([{ name: 'all', seats: sitting, need }])).length === 0).toBe(good);
      }),
    );
  });

  it.each<[string, unknown, string | RegExp]>([
    ['that is no object', 'one custodian', /the policy/],
    ['of another version', { ...DEFAULT_POLICY, v: 2 }, /^v: /],
    ['with a member that is not known', { ...DEFAULT_POLICY, breakglass: null }, /breakglass/],
    ['without a catch-all', withRules([{ ...CATCH_ALL, asked: ['view'] }]), 'rules: ends without a rule that matches everything'],
    ['without any rule', withRules([]), /^rules: /],
    [
      'with a rule behind the catch-all',
      withRules([CATCH_ALL ?? {}, { ...CATCH_ALL, name: 'other', asked: ['view'] }]),
      /no rule after it is ever reached/,
    ],
    ['with two rules of one name', withRules([{ ...CATCH_ALL, asked: ['view'] }, CATCH_ALL ?? {}]), /two rules of one name/],
    ['in which officers decide', withRules([{ ...CATCH_ALL, seats: ['officer'] }]), /^rules\.0\.seats\.0: /],
    ['in which administrators decide', withRules([{ ...CATCH_ALL, seats: ['administrator'] }]), /^rules\.0\.seats\.0: /],
    [
      'with a rule for a purpose that is not in the list',
      withRules([{ ...CATCH_ALL, name: 'first', purposes: ['curiosity'] }, CATCH_ALL ?? {}]),
      'rules.0.purposes: names the purpose curiosity, which is not in the list',
    ],
    [
      'under which footage leaves without being asked for',
      { ...DEFAULT_POLICY, standing: [{ ...DEFAULT_POLICY.standing[0], actions: ['export'] }] },
      /^standing\.0\.actions\.0: /,
    ],
    [
      'whose emergency access nobody reviews',
      { ...DEFAULT_POLICY, breakGlass: { ...DEFAULT_POLICY.breakGlass, reviewerRoles: [], reviewers: [] } },
      'breakGlass: has nobody to review it',
    ],
  ])('%s is refused in words', (_, policy, fault) => {
    const faults = faultsOfPolicy(policy);
    expect(faults).toContainEqual(typeof fault === 'string' ? fault : expect.stringMatching(fault));
  });

  it('tells every fault at once', () => {
    const faulty = {
      ...DEFAULT_POLICY,
      v: 3,
      rules: [{ ...CATCH_ALL, need: 5 }],
      purposes: [{ name: 'X', respondWithinHours: 0 }],
    };
    expect(faultsOfPolicy(faulty).length).toBeGreaterThanOrEqual(4);
  });

  it('says the same after it was written to a file and read', () => {
    expect(AccessPolicySchema.parse(JSON.parse(JSON.stringify(DEFAULT_POLICY)))).toEqual(DEFAULT_POLICY);
  });

  it('has a deadline for each purpose of its list, and for no other', () => {
    const from = new Date('2026-03-14T12:00:00.000Z');
    for (const purpose of PURPOSES) expect(dueAt(DEFAULT_POLICY, purpose, from)?.getTime()).toBeGreaterThan(from.getTime());
    expect(dueAt(DEFAULT_POLICY, 'curiosity', from)).toBeUndefined();
  });

  it('gives standing access by role and purpose together', () => {
    const names = (roles: Parameters<typeof standingFor>[1], purpose: string): string[] =>
      standingFor(DEFAULT_POLICY, roles, purpose).map(({ name }) => name);
    expect(names(['officer'], 'own-report')).toEqual(['own-recordings']);
    expect(names(['officer'], 'oversight')).toEqual([]);
    expect(names(['auditor', 'supervisor'], 'oversight')).toEqual(['oversight']);
    expect(names(['custodian', 'administrator'], 'oversight')).toEqual([]);
  });
});
