import fc from 'fast-check';
import { boundsAround, comesNear, distanceBetween, inWords, type Vicinity } from './recording-search.rules.js';

/** St Stephen's in Vienna. */
const CATHEDRAL = { latE7: 482_085_000, lonE7: 163_731_000 };
const lat = fc.integer({ min: -900_000_000, max: 900_000_000 });
const lon = fc.integer({ min: -1_800_000_000, max: 1_800_000_000 });
const anywhere = fc.record({ latE7: lat, lonE7: lon });
const radius = fc.integer({ min: 1, max: 50_000 });

const track = (...points: readonly { latE7: number; lonE7: number }[]) =>
  points.map((point, i) => ({ ...point, atMs: i * 1000 }));
const within = (vicinity: Vicinity, { latE7, lonE7 }: { latE7: number; lonE7: number }): boolean =>
  boundsAround(vicinity).some(
    ({ west, south, east, north }) => latE7 / 1e7 >= south && latE7 / 1e7 <= north && lonE7 / 1e7 >= west && lonE7 / 1e7 <= east,
  );

describe('recordings near a place', () => {
  it('measures distances that are known', () => {
    // A degree of latitude, the same of longitude at 60° N, and half way round the world.
    expect(distanceBetween({ latE7: 0, lonE7: 0 }, { latE7: 1e7, lonE7: 0 })).toBeCloseTo(111_195.08, 1);
    expect(distanceBetween({ latE7: 60e7, lonE7: 0 }, { latE7: 60e7, lonE7: 1e7 })).toBeCloseTo(55_597.01, 1);
    expect(distanceBetween({ latE7: 0, lonE7: -90e7 }, { latE7: 0, lonE7: 90e7 })).toBeCloseTo(Math.PI * 6_371_008.8, 0);
    expect(distanceBetween(CATHEDRAL, CATHEDRAL)).toBe(0);
  });

  it('finds who came within the radius, and not who stayed a metre beyond', () => {
    // 100 m north of it.
    const point = { latE7: CATHEDRAL.latE7 + 8993, lonE7: CATHEDRAL.lonE7 };
    expect(comesNear(track(point), { ...CATHEDRAL, radiusM: 101 })).toBe(true);
    expect(comesNear(track(point), { ...CATHEDRAL, radiusM: 99 })).toBe(false);
    expect(comesNear([], { ...CATHEDRAL, radiusM: 50_000 })).toBe(false);
  });

  it('finds who drove past between two points of the track', () => {
    const past = track(
      { latE7: CATHEDRAL.latE7 + 4000, lonE7: CATHEDRAL.lonE7 - 500_000 },
      { latE7: CATHEDRAL.latE7 + 4000, lonE7: CATHEDRAL.lonE7 + 700_000 },
    );
    expect(comesNear(past, { ...CATHEDRAL, radiusM: 50 })).toBe(true);
    expect(comesNear(past, { ...CATHEDRAL, radiusM: 40 })).toBe(false);
    expect(comesNear(past.slice(1), { ...CATHEDRAL, radiusM: 50 })).toBe(false);
  });

  it('finds who crossed the date line the short way, and nobody on the long one', () => {
    const crossing = track({ latE7: 0, lonE7: 1_799_900_000 }, { latE7: 0, lonE7: -1_799_900_000 });
    expect(comesNear(crossing, { latE7: 0, lonE7: 1_800_000_000, radiusM: 10 })).toBe(true);
    expect(comesNear(crossing, { latE7: 0, lonE7: -1_800_000_000, radiusM: 10 })).toBe(true);
    expect(comesNear(crossing, { latE7: 0, lonE7: 0, radiusM: 50_000 })).toBe(false);
  });

  it('looks in boxes that hold everything within the radius, at the poles and the date line too', () => {
    fc.assert(
      fc.property(
        anywhere,
        radius,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 359 }),
        (at, radiusM, part, bearing) => {
          const there = moved(at, radiusM * part, bearing);
          fc.pre(distanceBetween(at, there) <= radiusM);
          expect(within({ ...at, radiusM }, there)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never takes a track for near that keeps away, nor one for far that comes close', () => {
    const close = fc.integer({ min: -300_000, max: 300_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: -800_000_000, max: 800_000_000 }),
        lon,
        close,
        close,
        close,
        close,
        (latE7, lonE7, a, b, c, d) => {
          const [from, to] = [
            { latE7: latE7 + a, lonE7: wrapped(lonE7 + b) },
            { latE7: latE7 + c, lonE7: wrapped(lonE7 + d) },
          ];
          const steps = Array.from({ length: 2001 }, (_, i) => ({
            latE7: from.latE7 + ((c - a) * i) / 2000,
            lonE7: wrapped(lonE7 + b + ((d - b) * i) / 2000),
          }));
          const least = Math.min(...steps.map((step) => distanceBetween({ latE7, lonE7 }, step)));
          fc.pre(least > 100 && least < 49_000);
          expect(comesNear(track(from, to), { latE7, lonE7, radiusM: Math.ceil(least) + 1 })).toBe(true);
          expect(comesNear(track(from, to), { latE7, lonE7, radiusM: Math.floor(least * 0.999) - 10 })).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('finds a track only where a box around the place meets the box around the track', () => {
    fc.assert(
      fc.property(fc.array(anywhere, { minLength: 1, maxLength: 4 }), fc.nat(3), radius, (points, which, radiusM) => {
        const at = points[which % points.length] ?? { latE7: 0, lonE7: 0 };
        const vicinity = { ...at, radiusM };
        expect(comesNear(track(...points), vicinity)).toBe(true);
        expect(within(vicinity, at)).toBe(true);
      }),
    );
  });
});

describe('a search', () => {
  it('is said in words', () => {
    const near = { latE7: 482_085_000, lonE7: -163_731_000, radiusM: 200 };
    const search = [
      { camera: '4711', recordedFrom: '2026-03-14T18:00:00.000Z' },
      { near, flagged: false },
    ];
    expect(inWords(search)).toBe(
      'camera 4711, recorded from 2026-03-14T18:00:00.000Z; or not flagged, within 200 m of 48.2085000, -16.3731000',
    );
    expect(inWords([{}])).toBe('any recording');
  });
});

/** So many metres on, in that direction. */
function moved(from: { latE7: number; lonE7: number }, metres: number, bearing: number): { latE7: number; lonE7: number } {
  const [angle, course] = [metres / 6_371_008.8, (bearing * Math.PI) / 180];
  const [latitude, longitude] = [(from.latE7 / 1e7) * (Math.PI / 180), (from.lonE7 / 1e7) * (Math.PI / 180)];
  const there = Math.asin(Math.sin(latitude) * Math.cos(angle) + Math.cos(latitude) * Math.sin(angle) * Math.cos(course));
  const aside = Math.atan2(
    Math.sin(course) * Math.sin(angle) * Math.cos(latitude),
    Math.cos(angle) - Math.sin(latitude) * Math.sin(there),
  );
  return { latE7: (there * 180 * 1e7) / Math.PI, lonE7: wrapped(((longitude + aside) * 180 * 1e7) / Math.PI) };
}

function wrapped(lonE7: number): number {
  if (lonE7 > 1.8e9) return lonE7 - 3.6e9;
  return lonE7 < -1.8e9 ? lonE7 + 3.6e9 : lonE7;
}
