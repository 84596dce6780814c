import fc from 'fast-check';
import { fromLocalInput, toLocalInput, zoneAt } from './local-time.rules.js';

const moment = fc.integer({ min: Date.parse('1980-01-01T00:00:00Z'), max: Date.parse('2100-01-01T00:00:00Z') });

describe('when a file was recorded, in local time', () => {
  it('reads back what it writes, in any time zone', () => {
    fc.assert(
      fc.property(moment, (at) => {
        const text = toLocalInput(at);
        const back = fromLocalInput(text);
        expect(back).toBeDefined();
        // In the hour that comes twice the text is the same although the moment may not be.
        expect(toLocalInput(back ?? 0)).toBe(text);
      }),
    );
  });

  it('is no time where the text is none', () => {
    for (const text of [
      '',
      'yesterday',
      '2026-03-14',
      '2026-13-14T12:00',
      '2026-03-14T25:00',
      '12026-03-14T12:00',
      '2026-03-14T12:00Z',
    ])
      expect(fromLocalInput(text)).toBeUndefined();
    expect(fromLocalInput('2026-03-14T12:00')).toBeDefined();
  });

  it('names the zone with its distance from UTC', () => {
    expect(zoneAt(0, 'Etc/Somewhere')).toMatch(/^Etc\/Somewhere, UTC[+−]\d\d:\d\d$/);
  });
});
