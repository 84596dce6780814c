import { policyFaults } from './redaction-policy.rules.js';

const POLICY = { reasons: ['juvenile', 'plate'], styles: ['solid'] };
const keyframes = [
  { atMs: 0, x: 0, y: 0, width: 8, height: 8 },
  { atMs: 900, x: 0, y: 0, width: 8, height: 8 },
];
const region = (changes: object = {}): never => ({ shape: 'rectangle', keyframes, reason: 'plate', ...changes }) as never;
const mute = (reason: string): never => ({ fromMs: 0, toMs: 1, reason }) as never;

describe('the policy of an agency', () => {
  it('finds nothing wrong with reasons and styles on its lists', () => {
    const plan = { v: 1, regions: [region(), region({ style: 'solid' })], mutes: [mute('juvenile')] } as const;
    expect(policyFaults(plan, POLICY)).toEqual([]);
  });

  it('names every item with a reason that is not on its list, and the list', () => {
    const plan = { v: 1, regions: [region(), region({ reason: 'ugly' })], mutes: [mute('Juvenile')] } as const;
    expect(policyFaults(plan, POLICY)).toEqual([
      'Region 2 gives the reason "ugly"; this agency redacts for: juvenile, plate.',
      'Mute 1 gives the reason "Juvenile"; this agency redacts for: juvenile, plate.',
    ]);
  });

  it('allows mosaic and blur only where they are on its list, and says why not', () => {
    const plan = { v: 1, regions: [region({ style: 'mosaic' }), region({ style: 'blur' })], mutes: [] } as const;
    expect(policyFaults(plan, POLICY)).toEqual([
      expect.stringMatching(/^Region 1 is to be covered by mosaic, .*2506\.12344.* Allowed: solid\.$/),
      expect.stringMatching(/^Region 2 is to be covered by blur/),
    ]);
    expect(policyFaults(plan, { ...POLICY, styles: ['solid', 'mosaic', 'blur'] })).toEqual([]);
  });
});
