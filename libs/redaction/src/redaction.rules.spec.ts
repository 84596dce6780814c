import fc from 'fast-check';
import { decideDeed, REDACTION_STATES, type RedactionDeed, type RedactionFacts, type RedactionState } from './redaction.rules.js';

const PEOPLE = ['ada', 'bo', 'cy', 'officer'] as const;
const SUBJECTS = ['officer'];

const state = fc.constantFrom(...REDACTION_STATES);
const who = fc.constantFrom(...PEOPLE);
const version = fc.integer({ min: 1, max: 4 });
const note = fc.constantFrom(null, '', '  ', 'the plate is readable');
const deed: fc.Arbitrary<RedactionDeed> = fc.oneof(
  ...(['save', 'render', 'finish', 'fail', 'retry'] as const).map((kind) => version.map((of) => ({ kind, version: of }))),
  fc.record({ kind: fc.constant('review' as const), version, by: who, approved: fc.boolean(), note }),
  fc.record({ kind: fc.constant('release' as const), by: who }),
  fc.constant<RedactionDeed>({ kind: 'discard' }),
);
const facts: fc.Arbitrary<RedactionFacts> = fc.record({
  state,
  version,
  authors: fc.subarray([...PEOPLE]),
  subjects: fc.subarray([...PEOPLE]),
});

const standing = (changes: Partial<RedactionFacts> = {}): RedactionFacts => ({
  ...{ state: 'draft', version: 1, authors: ['ada'], subjects: SUBJECTS },
  ...changes,
});
const outcome = (of: RedactionFacts, done: RedactionDeed): string => {
  const decision = decideDeed(of, done);
  return decision.allowed ? decision.to : decision.reason;
};
const approve = (by: string, of = 1): RedactionDeed => ({ kind: 'review', version: of, by, approved: true, note: null });
const reject = (why: string | null): RedactionDeed => ({ kind: 'review', version: 1, by: 'bo', approved: false, note: why });

describe('a redaction', () => {
  it('goes from draft to release by way of a second person', () => {
    let now = standing();
    for (const [step, to] of [
      [{ kind: 'save', version: 1 }, 'draft'],
      [{ kind: 'render', version: 2 }, 'rendering'],
      [{ kind: 'finish', version: 2 }, 'rendered'],
      [approve('bo', 2), 'approved'],
      [{ kind: 'release', by: 'ada' }, 'released'],
    ] as const) {
      expect(outcome(now, step)).toBe(to);
      now = { ...now, state: to, version: 2 };
    }
  });

  it('is reviewed by nobody who wrote a version of its plan, nor by whom the recording shows', () => {
    const rendered = standing({ state: 'rendered', authors: ['ada', 'cy'] });
    expect(outcome(rendered, approve('ada'))).toBe('own-redaction');
    expect(outcome(rendered, approve('cy'))).toBe('own-redaction');
    expect(outcome(rendered, approve('officer'))).toBe('subject-of-request');
    expect(outcome(rendered, approve('bo'))).toBe('approved');
  });

  it('is not released by whom the recording shows, and by nobody before its approval', () => {
    expect(outcome(standing({ state: 'approved' }), { kind: 'release', by: 'officer' })).toBe('subject-of-request');
    for (const early of ['draft', 'rendering', 'rendered', 'failed', 'rejected', 'discarded', 'released'] as const)
      expect(outcome(standing({ state: early }), { kind: 'release', by: 'ada' })).toBe('not-now');
  });

  it('is rejected with a reason, and becomes a draft again by a new version', () => {
    const rendered = standing({ state: 'rendered' });
    for (const nothing of [null, '', '   ']) expect(outcome(rendered, reject(nothing))).toBe('reason-missing');
    expect(outcome(rendered, reject('a plate is readable'))).toBe('rejected');
    expect(outcome(standing({ state: 'rejected' }), { kind: 'save', version: 1 })).toBe('draft');
    expect(outcome(standing({ state: 'failed' }), { kind: 'save', version: 1 })).toBe('draft');
  });

  it('keeps its plan while it is rendered, after its approval and when it is over', () => {
    for (const fixed of ['rendering', 'approved', 'released', 'discarded'] as const)
      expect(outcome(standing({ state: fixed }), { kind: 'save', version: 1 })).toBe('not-now');
  });

  it('is not changed, rendered, reviewed or sealed by another version than the newest', () => {
    const at = (where: RedactionState): RedactionFacts => standing({ state: where, version: 3 });
    expect(outcome(at('draft'), { kind: 'save', version: 2 })).toBe('stale-version');
    expect(outcome(at('draft'), { kind: 'render', version: 4 })).toBe('stale-version');
    expect(outcome(at('rendering'), { kind: 'finish', version: 2 })).toBe('stale-version');
    expect(outcome(at('failed'), { kind: 'retry', version: 2 })).toBe('stale-version');
    expect(outcome(at('rendered'), approve('bo', 2))).toBe('stale-version');
  });
});

describe('laws of redactions', () => {
  it('decides on everything, and leads to a state that exists', () => {
    fc.assert(
      fc.property(facts, deed, (of, done) => {
        const decision = decideDeed(of, done);
        if (decision.allowed) expect(REDACTION_STATES).toContain(decision.to);
        else expect(decision.reason).toMatch(/^[a-z-]+$/);
      }),
    );
  });

  it('lets nothing happen to what is released or given up', () => {
    fc.assert(
      fc.property(facts, fc.constantFrom('released' as const, 'discarded' as const), deed, (of, over, done) => {
        expect(decideDeed({ ...of, state: over }, done).allowed).toBe(false);
      }),
    );
  });

  it('releases nothing, in whatever order people act, that no second person approved in the very version that was rendered', () => {
    let released = 0;
    const likely = fc.oneof({ weight: 3, arbitrary: deed }, { weight: 7, arbitrary: fc.constant(null) });
    fc.assert(
      fc.property(fc.array(fc.tuple(likely, who), { maxLength: 60 }), (story) => {
        let now: RedactionFacts = standing();
        let rendered: number | null = null;
        let approved: { version: number; by: string } | null = null;
        for (const [random, by] of story) {
          const done = random ?? nextOf(now, by);
          const decision = decideDeed(now, done);
          if (!decision.allowed) continue;
          if (done.kind === 'save') now = { ...now, version: now.version + 1, authors: [...now.authors, by] };
          if (done.kind === 'finish') rendered = now.version;
          if (done.kind === 'review') approved = done.approved ? { version: done.version, by: done.by } : null;
          now = { ...now, state: decision.to };
          if (now.state !== 'released') continue;
          released += 1;
          expect(rendered).toBe(now.version);
          expect(approved?.version).toBe(now.version);
          expect([...now.authors, ...SUBJECTS]).not.toContain(approved?.by);
          break;
        }
      }),
      { numRuns: 2000 },
    );
    // Otherwise the law would have been tested on nothing.
    expect(released).toBeGreaterThan(20);
  });
});

/** What somebody would do next who means well: stories of chance alone rarely come to an end. */
function nextOf({ state: at, version: of }: RedactionFacts, by: string): RedactionDeed {
  switch (at) {
    case 'draft':
      return { kind: 'render', version: of };
    case 'rendering':
      return { kind: 'finish', version: of };
    case 'rendered':
      return approve(by, of);
    case 'approved':
      return { kind: 'release', by };
    default:
      return { kind: 'save', version: of };
  }
}
