import fc from 'fast-check';
import {
  COPY_FORMS,
  DISCLOSURE_DEEDS,
  DISCLOSURE_STATES,
  faultOfDisclosureUntil,
  faultOfRelease,
  isLive,
  RECIPIENT_KINDS,
  step,
  type DisclosureState,
} from './disclosure.rules.js';

const NOW = new Date('2026-03-14T12:00:00.000Z');
const FORMS = RECIPIENT_KINDS.flatMap((kind) => COPY_FORMS.map((form) => `${kind}=${form}`));
const deed = fc.constantFrom(...DISCLOSURE_DEEDS);
const item = fc.record({
  sealed: fc.boolean(),
  released: fc.boolean(),
  hasRedaction: fc.boolean(),
  durationMs: fc.option(fc.integer({ min: 1, max: 10_000 })),
  fromMs: fc.option(fc.integer({ min: 0, max: 10_000 })),
  toMs: fc.option(fc.integer({ min: 1, max: 20_000 })),
});
const release = fc.record({
  kind: fc.constantFrom(...RECIPIENT_KINDS),
  form: fc.constantFrom(...COPY_FORMS),
  overrides: fc.boolean(),
});

function walk(deeds: readonly (typeof DISCLOSURE_DEEDS)[number][]): DisclosureState[] {
  const states: DisclosureState[] = ['proposed'];
  for (const each of deeds) states.push(step(states.at(-1) ?? 'proposed', each) ?? states.at(-1) ?? 'proposed');
  return states;
}

describe('a disclosure', () => {
  it('is ready only after it was approved and packed, by whatever way', () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 20 }), (deeds) => {
        const states = walk(deeds);
        const ready = states.indexOf('ready');
        if (ready < 0) return;
        const before = states.slice(0, ready);
        expect(before).toContain('approved');
        expect(before.indexOf('approved')).toBeLessThan(before.indexOf('packaging'));
      }),
    );
  });

  it('that has ended never goes on', () => {
    for (const state of ['refused', 'revoked', 'expired'] as const)
      for (const each of DISCLOSURE_DEEDS) expect(step(state, each)).toBeUndefined();
  });

  it('can be taken back, and can expire, as long as it has not ended', () => {
    for (const state of DISCLOSURE_STATES.filter((each) => !['refused', 'revoked', 'expired'].includes(each))) {
      expect(step(state, 'revoke')).toBe('revoked');
      expect(step(state, 'expire')).toBe('expired');
    }
  });

  it('is open while it is ready and its time is not over', () => {
    for (const state of DISCLOSURE_STATES) {
      expect(isLive({ state, until: new Date(NOW.getTime() + 1) }, NOW)).toBe(state === 'ready');
      expect(isLive({ state, until: NOW }, NOW)).toBe(false);
    }
  });

  it('ends some time, and within a year', () => {
    expect(faultOfDisclosureUntil(NOW, NOW)).toBe('is over already');
    expect(faultOfDisclosureUntil(new Date('2028-03-14T12:00:00.000Z'), NOW)).toBe('is more than a year away');
    expect(faultOfDisclosureUntil(new Date('2026-04-14T12:00:00.000Z'), NOW)).toBeUndefined();
  });
});

describe('what may be released', () => {
  it('is never a redaction that was not released, nor what is not sealed, whoever asks and whatever they say', () => {
    fc.assert(
      fc.property(release, item, (asked, each) => {
        if (each.sealed && each.released) return;
        expect(faultOfRelease(asked, each, FORMS)).toBeDefined();
      }),
    );
  });

  it('is never of a form that the policy does not name', () => {
    fc.assert(
      fc.property(release, item, fc.subarray(FORMS), (asked, each, forms) => {
        if (forms.includes(`${asked.kind}=${asked.form}`)) return;
        expect(faultOfRelease(asked, each, forms)).toBe('form-not-allowed');
      }),
    );
  });

  it('is not an original with a released redaction for a records requester, unless somebody says why', () => {
    const original = { sealed: true, released: true, hasRedaction: true, durationMs: 4000, fromMs: null, toMs: null };
    const asked = { kind: 'records-requester', form: 'marked', overrides: false } as const;
    expect(faultOfRelease(asked, original, FORMS)).toBe('redacted-copy-exists');
    expect(faultOfRelease({ ...asked, overrides: true }, original, FORMS)).toBeUndefined();
    expect(faultOfRelease({ ...asked, kind: 'court' }, original, FORMS)).toBeUndefined();
  });

  it('has parts only where a new copy is made, and only within the recording', () => {
    const part = { sealed: true, released: true, hasRedaction: false, durationMs: 4000, fromMs: 1000, toMs: 2000 };
    const asked = { kind: 'court', form: 'marked', overrides: false } as const;
    expect(faultOfRelease(asked, part, FORMS)).toBeUndefined();
    expect(faultOfRelease({ ...asked, form: 'unaltered' }, part, FORMS)).toBe('range-of-unaltered');
    expect(faultOfRelease(asked, { ...part, fromMs: 4000, toMs: 5000 }, FORMS)).toBe('range-beyond-end');
  });
});
