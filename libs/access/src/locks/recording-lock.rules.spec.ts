import fc from 'fast-check';
import { whyNotLifted, whyNotStated } from './recording-lock.rules.js';

const moment = fc.constantFrom(null, new Date('2026-03-14T12:00:00Z'));

describe('a lock on a recording', () => {
  it('is lifted once, and only after a statement or by overriding', () => {
    fc.assert(
      fc.property(moment, moment, fc.boolean(), (statementAt, liftedAt, override) => {
        const may = whyNotLifted({ statementAt, liftedAt }, override) === undefined;
        expect(may).toBe(liftedAt === null && (statementAt !== null || override));
      }),
    );
  });

  it('gets one statement, while it holds', () => {
    fc.assert(
      fc.property(moment, moment, (statementAt, liftedAt) => {
        expect(whyNotStated({ statementAt, liftedAt }) === undefined).toBe(statementAt === null && liftedAt === null);
      }),
    );
  });
});
