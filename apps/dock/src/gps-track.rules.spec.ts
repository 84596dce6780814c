import fc from 'fast-check';
import { generateNoteKey, openManifest, parseSigner, parseVerifier, signManifest } from '#tlog';
import { gpsTrackOf, iso6709Point, type WrittenPoint } from './gps-track.rules.js';
import { instantOf, utcInstant } from './instant.rules.js';

const BEGAN = '2026-11-20T10:00:00.000Z';
const latitude = fc.double({ min: -90, max: 90, noNaN: true });
const longitude = fc.double({ min: -180, max: 180, noNaN: true });

describe('a GPS track', () => {
  it('goes into a manifest as it was written, to the hundredth of a second of arc and the millisecond', () => {
    const dock = '01935e6a-7b2c-7def-8a11-5c3f0e9d4b21';
    const key = generateNoteKey(`dock/${dock}`);
    const file = { name: 'clip.mp4', size: 1, sha256: 'ab'.repeat(32), camera: 'C-1', recordedAt: BEGAN, clockOffsetMs: 0 };
    const written = fc.record({ at: fc.double({ min: 0, max: 1e6, noNaN: true }), lat: latitude, lon: longitude });
    fc.assert(
      fc.property(fc.array(written, { maxLength: 20 }), fc.boolean(), (points, asTimes) => {
        const inOrder = [...points].sort((a, b) => a.at - b.at);
        const stated = inOrder.map((point) =>
          asTimes ? { ...point, at: new Date(Date.parse(BEGAN) + Math.round(point.at * 1000)).toISOString() } : point,
        );
        const gpsTrack = gpsTrackOf(stated, BEGAN);
        if (typeof gpsTrack === 'string') throw new Error(gpsTrack);
        const manifest = { id: dock, dock, createdAt: BEGAN, files: [{ ...file, gpsTrack }] };
        const [read] = openManifest(signManifest(manifest, parseSigner(key.skey)), parseVerifier(key.vkey)).files;
        for (const [index, { at, lat, lon }] of inOrder.entries()) {
          const point = read?.gpsTrack?.[index];
          expect(point?.atMs).toBe(Math.round(at * 1000));
          expect(Math.abs((point?.latE7 ?? NaN) / 1e7 - lat)).toBeLessThan(1e-7);
          expect(Math.abs((point?.lonE7 ?? NaN) / 1e7 - lon)).toBeLessThan(1e-7);
        }
      }),
    );
  });

  it.each<[string, WrittenPoint[], string | undefined, string]>([
    ['goes back in time', [2, 1].map((at) => ({ at, lat: 1, lon: 1 })), BEGAN, 'goes back in time at point 1'],
    ['begins before the recording', [{ at: '2026-11-20T09:59:59Z', lat: 1, lon: 1 }], BEGAN, 'before the recording began'],
    ['names times of day of no day', [{ at: '2026-11-20T10:00:01Z', lat: 1, lon: 1 }], undefined, '"recordedAt" must be given'],
  ])('that %s is refused', (_, points, recordedAt, said) => {
    expect(gpsTrackOf(points, recordedAt)).toContain(said);
  });
});

describe('a place in ISO 6709', () => {
  it.each([
    ['+40.7128-074.0060/', 407_128_000, -740_060_000],
    ['+40.7128-074.0060+010.000/', 407_128_000, -740_060_000],
    ['+48.8577+002.295/', 488_577_000, 22_950_000],
    ['+4042.768-07400.36/', 407_128_000, -740_060_000],
    ['+404246.08-0740021.6/', 407_128_000, -740_060_000],
    ['-90+180/', -900_000_000, 1_800_000_000],
    ['+35.3606+138.7274+3776CRSWGS_84/', 353_606_000, 1_387_274_000],
  ])('is read: %s', (text, latE7, lonE7) => {
    expect(iso6709Point(text)).toEqual({ atMs: 0, latE7, lonE7 });
  });

  it.each([
    '',
    '40.7-74.0',
    '+90.1+000/',
    '+10+181/',
    '+4060-07400/',
    '+00.0000+000.0000/',
    '+1+2',
    'N40W074',
    `+${'4'.repeat(1e5)}`,
  ])('is left out when it is none: %.40p', (text) => {
    expect(iso6709Point(text)).toBeUndefined();
  });

  it('is read back for every place in degrees', () => {
    const part = (value: number, digits: number): string => {
      const [whole = '', fraction = ''] = Math.abs(value).toFixed(7).split('.');
      return `${value < 0 ? '-' : '+'}${whole.padStart(digits, '0')}.${fraction}`;
    };
    fc.assert(
      fc.property(latitude, longitude, (lat, lon) => {
        fc.pre(Math.abs(lat) > 1e-6);
        const point = iso6709Point(`${part(lat, 2)}${part(lon, 3)}/`);
        expect(Math.abs((point?.latE7 ?? NaN) - lat * 1e7)).toBeLessThanOrEqual(1);
        expect(Math.abs((point?.lonE7 ?? NaN) - lon * 1e7)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a time', () => {
  it('is the same instant in whatever zone it is written', () => {
    const day = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.integer({ min: -14 * 60, max: 14 * 60 }), (at, zone) => {
        const local = new Date(at.getTime() + zone * 60_000).toISOString().slice(0, -1);
        const [hours, minutes] = [Math.trunc(Math.abs(zone) / 60), Math.abs(zone) % 60].map((n) => String(n).padStart(2, '0'));
        expect(utcInstant(`${local}${zone < 0 ? '-' : '+'}${hours ?? ''}:${minutes ?? ''}`)).toBe(at.toISOString());
      }),
    );
  });

  it.each([
    '2026-02-30T10:00:00Z',
    '2026-11-31T23:00:00-02:00',
    '2026-11-20',
    '2026-11-20 10:00:00Z',
    '2026-11-20T10:00:00',
    '2026-13-01T10:00:00Z',
    '9999-12-31T23:59:59-02:00',
  ])('is refused when no calendar has it or its zone is not told: %s', (text) => {
    expect(instantOf(text)).toBeUndefined();
    expect(() => utcInstant(text)).toThrow('is not a time such as');
  });
});
