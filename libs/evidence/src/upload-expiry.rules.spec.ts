import { expiryLimit, idleSince, whyExpired } from './upload-expiry.rules.js';

const at = (minute: number): Date => new Date(Date.UTC(2026, 2, 14, 9, minute));

describe('an idle upload', () => {
  it('is idle since its newest part, or since it was announced', () => {
    expect(idleSince(at(1), null)).toEqual(at(1));
    expect(idleSince(at(1), at(5))).toEqual(at(5));
    // The database's clock and the service's may differ.
    expect(idleSince(at(5), at(1))).toEqual(at(5));
  });

  it('is given up after hours or a fraction of one', () => {
    expect(expiryLimit(at(30), 0.25)).toEqual(at(15));
  });

  it('says what was missing', () => {
    expect(whyExpired(at(5), 1, 2)).toBe(
      'Nothing of it arrived after 2026-03-14T09:05:00.000Z; 2 of its 3 parts were still missing. Announce the file again to send it.',
    );
    expect(whyExpired(at(5), 0, 1)).toContain('1 of its 1 parts was still missing');
  });
});
