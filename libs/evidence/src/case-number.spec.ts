import { fitsCaseNumber } from './case-number.js';

describe('the form of a case number', () => {
  it('is what the agency says it is', () => {
    expect(fitsCaseNumber('IA-2026-017', '^IA-\\d{4}-\\d{3}$')).toBe(true);
    expect(fitsCaseNumber('IA-2026-17', '^IA-\\d{4}-\\d{3}$')).toBe(false);
    expect(fitsCaseNumber('Ж', '^\\p{L}$')).toBe(true);
  });

  it('is refused in a moment where a pattern would try for ever', () => {
    const began = performance.now();
    expect(fitsCaseNumber(`${'a'.repeat(59)}!`, '^(a+)+$')).toBe(false);
    // For ever is some hundred thousand years here; a slow machine is no matter.
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
