import fc from 'fast-check';
import { faultOfUntil } from './access-request.rules.js';

const NOW = new Date('2026-03-14T12:00:00.000Z');
const DAY = 86_400_000;
const inMs = (ms: number): Date => new Date(NOW.getTime() + ms);

describe('until when access may be asked for or granted', () => {
  it('accepts a time from the next millisecond up to 366 days away', () => {
    expect(faultOfUntil(inMs(1), NOW)).toBeUndefined();
    expect(faultOfUntil(inMs(366 * DAY), NOW)).toBeUndefined();
  });

  it('refuses this very moment and everything before it', () => {
    expect(faultOfUntil(NOW, NOW)).toBe('lies in the past');
    expect(faultOfUntil(inMs(-1), NOW)).toBe('lies in the past');
  });

  it('refuses what is more than 366 days away', () => {
    expect(faultOfUntil(inMs(366 * DAY + 1), NOW)).toBe('is more than 366 days away');
  });

  it('refuses to grant for longer than was asked for, and allows the same or less', () => {
    expect(faultOfUntil(inMs(DAY + 1), NOW, inMs(DAY))).toBe('is later than what was asked for');
    expect(faultOfUntil(inMs(DAY), NOW, inMs(DAY))).toBeUndefined();
    expect(faultOfUntil(inMs(DAY - 1), NOW, inMs(DAY))).toBeUndefined();
  });

  it('refuses what is not a time at all', () => {
    expect(faultOfUntil(new Date(Number.NaN), NOW)).toBe('is not a time');
    expect(faultOfUntil(inMs(DAY), NOW, new Date(Number.NaN))).toBe('is later than what was asked for');
  });

  it('never lets anything through that has ended, is too far away or is later than asked for', () => {
    const offset = fc.integer({ min: -400 * DAY, max: 800 * DAY });
    fc.assert(
      fc.property(offset, fc.option(offset, { nil: undefined }), (until, wanted) => {
        const fault = faultOfUntil(inMs(until), NOW, wanted === undefined ? undefined : inMs(wanted));
        expect(fault === undefined).toBe(until > 0 && until <= 366 * DAY && (wanted === undefined || until <= wanted));
      }),
    );
  });
});
