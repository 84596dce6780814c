import { whyNotDisposable } from './disposition.rules.js';

describe('disposing of a recording', () => {
  it('is frozen once its stored version failed a fixity check', () => {
    const fixityFailedAt = new Date('2026-03-14T09:26:53.000Z');
    expect(whyNotDisposable({ state: 'sealed', fixityFailedAt })).toMatch(
      /^Its stored version failed a fixity check on 2026-03-14T09:26:53/,
    );
  });

  it.each(['receiving', 'sealing'] as const)('has to wait while it is %s', (state) => {
    expect(whyNotDisposable({ state, fixityFailedAt: null })).toMatch(/not settled/);
  });

  it.each(['sealed', 'quarantined', 'expired'] as const)('has nothing against it here when it is %s', (state) => {
    expect(whyNotDisposable({ state, fixityFailedAt: null })).toBeUndefined();
  });
});
