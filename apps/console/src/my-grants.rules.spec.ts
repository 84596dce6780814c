import { sorted, standingOf, viewingsLeftInWords, type Grant } from './my-grants.rules.js';

const NOW = Date.parse('2026-07-04T12:00:00Z');
const at = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString();
const grant = (changes: Partial<Grant> = {}): Grant => ({
  ...{ id: 'g', recording: 'r', person: 'me', purpose: 'supervision', caseNumber: 'S-1', actions: ['view'] },
  ...{ startsAt: at(-1), expiresAt: at(1), viewingsLeft: null, revokedAt: null },
  ...changes,
});

describe('one’s own grants', () => {
  it.each([
    ['live', {}],
    ['live', { viewingsLeft: 1 }],
    ['live', { actions: ['view-unredacted'] }],
    ['not-begun', { startsAt: at(0.5) }],
    ['over', { expiresAt: at(0) }],
    ['over', { expiresAt: 'no time at all' }],
    ['revoked', { revokedAt: at(-0.5), expiresAt: at(-0.4) }],
    ['used-up', { viewingsLeft: 0 }],
    ['not-for-watching', { actions: ['export'] }],
  ] as const)('are %s: %j', (standing, changes) => {
    expect(standingOf(grant(changes), NOW)).toBe(standing);
  });

  it('leave out what others have, and keep apart what is over', () => {
    const grants = [grant({ id: 'a' }), grant({ id: 'b', person: 'other' }), grant({ id: 'c', viewingsLeft: 0 })];
    const { open, over } = sorted(grants, 'me', NOW);
    expect([open.map(({ id }) => id), over.map(({ id }) => id)]).toEqual([['a'], ['c']]);
  });

  it('say how many viewings are left where they are counted', () => {
    expect([null, 0, 1, 3].map(viewingsLeftInWords)).toEqual([
      undefined,
      'No viewing left.',
      'One viewing left.',
      '3 viewings left.',
    ]);
  });
});
