import fc from 'fast-check';
import { continues, isWhole, rangeOf, spansOf, type Sending } from './disclosure-fetch.rules.js';

const SIZE = 1000;
const sending: fc.Arbitrary<Sending> = fc
  .record({
    first: fc.nat({ max: SIZE - 1 }),
    length: fc.integer({ min: 1, max: SIZE }),
    sent: fc.nat({ max: SIZE }),
    running: fc.boolean(),
  })
  .map(({ first, length, sent, running }) => {
    const last = Math.min(SIZE - 1, first + length - 1);
    return { first, last, sent: Math.min(sent, last - first + 1), running };
  });
const done = (first: number, last: number, sent = last - first + 1): Sending => ({ first, last, sent, running: false });

describe('the bytes that were sent', () => {
  it('are in order, apart from each other, and each is one that a sending sent', () => {
    fc.assert(
      fc.property(fc.array(sending, { maxLength: 8 }), (sendings) => {
        const spans = spansOf(sendings);
        spans.forEach((span, i) => {
          expect(span.first).toBeLessThanOrEqual(span.last);
          const before = spans[i - 1];
          if (before !== undefined) expect(span.first).toBeGreaterThan(before.last + 1);
        });
        for (let byte = 0; byte < SIZE; byte += 37) {
          const sent = sendings.some(
            (each) => byte >= each.first && byte <= (each.running ? each.last : each.first + each.sent - 1),
          );
          expect(spans.some(({ first, last }) => first <= byte && byte <= last)).toBe(sent);
        }
      }),
    );
  });

  it('are the whole package when none is missing', () => {
    expect(isWhole(spansOf([done(0, 400), done(401, SIZE - 1)]), SIZE)).toBe(true);
    expect(isWhole(spansOf([done(0, 400), done(402, SIZE - 1)]), SIZE)).toBe(false);
    expect(isWhole(spansOf([done(0, SIZE - 1, SIZE - 1)]), SIZE)).toBe(false);
    expect(isWhole([], SIZE)).toBe(false);
  });
});

describe('a fetch', () => {
  it('goes on where it broke off, also a little before that', () => {
    const broken = [done(0, SIZE - 1, 600)];
    expect(continues(broken, { first: 600, last: SIZE - 1 }, SIZE)).toBe(true);
    expect(continues(broken, { first: 520, last: SIZE - 1 }, SIZE)).toBe(true);
  });

  it('goes on from the first byte for whoever cannot resume, and not without end', () => {
    const broken = done(0, SIZE - 1, 600);
    expect(continues([broken], { first: 0, last: SIZE - 1 }, SIZE)).toBe(true);
    expect(continues([done(0, 0)], { first: 0, last: SIZE - 1 }, SIZE)).toBe(true);
    expect(continues([broken, broken], { first: 0, last: SIZE - 1 }, SIZE)).toBe(false);
  });

  it('is another one when it begins at the first byte while that is being sent, or after all were', () => {
    expect(continues([done(0, SIZE - 1)], { first: 0, last: SIZE - 1 }, SIZE)).toBe(false);
    expect(continues([{ ...done(0, SIZE - 1, 0), running: true }], { first: 0, last: SIZE - 1 }, SIZE)).toBe(false);
    // Nothing of it was sent: the store did not answer, say.
    expect(continues([done(0, SIZE - 1, 0)], { first: 0, last: SIZE - 1 }, SIZE)).toBe(true);
  });

  it('goes on after the last byte was handed over, for whom the connection lost the end of it', () => {
    expect(continues([done(0, SIZE - 1)], { first: 900, last: SIZE - 1 }, SIZE)).toBe(true);
  });

  it('never gives more than twice the package, however it is cut up', () => {
    fc.assert(
      fc.property(fc.array(sending, { maxLength: 30 }), (asked) => {
        const taken: Sending[] = [];
        for (const each of asked) if (continues(taken, each, SIZE)) taken.push({ ...each, sent: each.last - each.first + 1 });
        expect(taken.reduce((sum, each) => sum + each.sent, 0)).toBeLessThanOrEqual(2 * SIZE);
      }),
    );
  });
});

describe('a range', () => {
  it.each([
    [undefined, undefined],
    ['pages=1-2', undefined],
    ['bytes=0-', { first: 0, last: 999 }],
    ['bytes=10-19', { first: 10, last: 19 }],
    ['bytes=990-5000', { first: 990, last: 999 }],
    ['bytes=-10', { first: 990, last: 999 }],
    ['bytes=-5000', { first: 0, last: 999 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=20-10', 'unsatisfiable'],
    ['bytes=0-1,5-6', 'unsatisfiable'],
    ['bytes=', 'unsatisfiable'],
    ['bytes=-', 'unsatisfiable'],
    ['bytes=a-b', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
  ])('"%s" is %j', (header, expected) => {
    expect(rangeOf(header, SIZE)).toEqual(expected);
  });

  it('lies within the package, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 5000 }), (text, size) => {
        const found = rangeOf(`bytes=${text}`, size);
        if (found === undefined || found === 'unsatisfiable') return;
        expect(found.first).toBeLessThanOrEqual(found.last);
        expect(found.last).toBeLessThan(size);
      }),
    );
  });
});
