import fc from 'fast-check';
import { JOB_NAMES } from './job-catalogue.js';
import { JOB_STATES, stateOf } from './job-state.rules.js';

describe('the state of a job', () => {
  it('is always one of those there are, and running only while somebody holds it', () => {
    const time = fc.option(fc.constant(new Date(0)));
    const fate = fc.record({
      job: fc.constantFrom(...JOB_NAMES),
      doneAt: time,
      parkedAt: time,
      cancelledAt: time,
      startedAt: time,
      held: fc.boolean(),
    });
    fc.assert(
      fc.property(fate, (of) => {
        const state = stateOf(of);
        expect(JOB_STATES).toContain(state);
        expect(state === 'done').toBe(of.doneAt !== null);
        if (state === 'running') expect(of.held).toBe(true);
      }),
    );
  });
});
