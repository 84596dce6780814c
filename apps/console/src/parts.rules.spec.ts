import fc from 'fast-check';
import { bytesReceived, missingParts } from './parts.rules.js';

const size = fc.integer({ min: 0, max: 5000 });
const partSize = fc.integer({ min: 1, max: 700 });
const received = fc.uniqueArray(fc.integer({ min: 1, max: 5000 }));

describe('the parts of a file', () => {
  it('cover it once from its first byte to its last when none was received', () => {
    fc.assert(
      fc.property(size, partSize, (bytes, each) => {
        let at = 0;
        for (const [index, part] of missingParts(bytes, each, []).entries()) {
          expect(part).toMatchObject({ number: index + 1, from: at });
          expect(part.to - part.from).toBe(Math.min(each, bytes - at));
          at = part.to;
        }
        expect(at).toBe(bytes);
      }),
    );
  });

  it('are those that were not received, and together with what was received they are the file', () => {
    fc.assert(
      fc.property(size, partSize, received, (bytes, each, have) => {
        const all = missingParts(bytes, each, []);
        const missing = missingParts(bytes, each, have);
        expect(missing).toEqual(all.filter(({ number }) => !have.includes(number)));
        const there = all.filter(({ number }) => have.includes(number)).reduce((sum, { from, to }) => sum + to - from, 0);
        expect(bytesReceived(bytes, missing)).toBe(there);
      }),
    );
  });
});
