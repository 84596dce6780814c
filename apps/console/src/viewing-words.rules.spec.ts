import { placeAsHeard, placeInWords, purposeInWords, rangesInWords, shortId } from './viewing-words.rules.js';

describe('the words of a viewing', () => {
  it('say a purpose as it reads after "for"', () => {
    expect(purposeInWords('internal-investigation')).toBe('an internal investigation');
    expect(purposeInWords('some-new-purpose')).toBe('some new purpose');
    expect(purposeInWords('constructor')).toBe('constructor');
  });

  it('say a place in a recording', () => {
    expect([0, 7_999, 754_000, 3_723_000, -5].map(placeInWords)).toEqual(['0:00', '0:07', '12:34', '1:02:03', '0:00']);
    expect([0, 61_000, 3_602_000].map(placeAsHeard)).toEqual(['0 seconds', '1 minute 1 second', '1 hour 2 seconds']);
  });

  it('say what is on record, and that nothing is', () => {
    expect(rangesInWords([])).toBe('nothing');
    expect(
      rangesInWords([
        { fromMs: 0, toMs: 8000 },
        { fromMs: 12_000, toMs: 16_540 },
      ]),
    ).toBe('0:00.0–0:08.0, 0:12.0–0:16.5 (12.5 s in all)');
  });

  it('shorten an identifier to the part that is random', () => {
    expect(shortId('01998a3c-7d5e-7c2a-9b1f-3f6e2d4c5b6a')).toBe('3f6e2d4c5b6a');
  });
});
