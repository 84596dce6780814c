import { count, Notation, printable, size, span } from './report-notation.js';

describe('how a report writes', () => {
  it('times in the agency’s zone with UTC beside it, summer and winter', () => {
    const notation = new Notation('America/New_York');
    expect(notation.time('2026-07-01T03:04:05.006Z')).toBe('2026-06-30 23:04:05 -04:00 (2026-07-01 03:04:05.006 UTC)');
    expect(notation.moment('2026-12-01T12:00:00.000Z').local).toBe('2026-12-01 07:00:00 -05:00');
  });

  it('midnight as the first hour of the day', () => {
    expect(new Notation('Europe/Vienna').moment('2026-11-19T23:00:00.000Z').local).toBe('2026-11-20 00:00:00 +01:00');
  });

  it('UTC once where it is the agency’s zone', () => {
    expect(new Notation('UTC').time('2026-07-01T03:04:05.006Z')).toBe('2026-07-01 03:04:05.006 UTC');
  });

  it('sizes in words and to the byte', () => {
    expect(size(0)).toBe('0 bytes');
    expect(size(999)).toBe('999 bytes');
    expect(size(12_403_112)).toBe('12.4 MB (12,403,112 bytes)');
    expect(size(5e15)).toBe('5000.0 TB (5,000,000,000,000,000 bytes)');
  });

  it('places on the time axis to a tenth of a second, carrying into minutes and hours', () => {
    expect(span(0)).toBe('0:00.0');
    expect(span(59_960)).toBe('1:00.0');
    expect(span(3_599_999)).toBe('1:00:00.0');
    expect(span(3_723_400)).toBe('1:02:03.4');
  });

  it('counts', () => {
    expect([count(0, 'entry', 'entries'), count(1, 'entry', 'entries'), count(2000, 'entry', 'entries')]).toEqual([
      'no entries',
      '1 entry',
      '2,000 entries',
    ]);
  });

  it('text from outside so that nothing in it reorders or hides', () => {
    expect(printable('a\nb\u202Egp4.exe\u0000')).toBe('a b\\u{202e}gp4.exe\\u{0}');
    expect(printable('Żółć 中')).toBe('Żółć 中');
  });
});
