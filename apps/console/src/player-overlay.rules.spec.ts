import fc from 'fast-check';
import { overlayLines, pictureIn, placeAt } from './player-overlay.rules.js';

describe('the overlay of the player', () => {
  it('is inside the picture at every moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (ms) => {
        const { x, y } = placeAt(ms);
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
        expect(Math.max(x, y)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('comes by every third of the picture, in width and height, within three minutes: what is cut out and kept has it too', () => {
    const start = fc.integer({ min: 0, max: 10 ** 8 });
    const corner = fc.double({ min: 0, max: 2 / 3, noNaN: true });
    fc.assert(
      fc.property(start, corner, corner, (from, left, top) => {
        const times = Array.from({ length: 1800 }, (_, i) => from + i * 100);
        const inside = ({ x, y }: { x: number; y: number }): boolean =>
          x >= left && x <= left + 1 / 3 && y >= top && y <= top + 1 / 3;
        expect(times.some((ms) => inside(placeAt(ms)))).toBe(true);
      }),
    );
  });

  it('moves slowly enough to be read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 8 }), (ms) => {
        const [a, b] = [placeAt(ms), placeAt(ms + 1000)];
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeLessThan(0.08);
      }),
    );
  });

  it('moves in the picture, not beside it', () => {
    expect(pictureIn({ width: 1600, height: 900 }, { width: 90, height: 160 })).toEqual({
      ...{ width: 506.25, height: 900, left: 546.875, top: 0 },
    });
    const side = fc.integer({ min: 1, max: 4000 });
    fc.assert(
      fc.property(side, side, side, side, (roomWidth, roomHeight, width, height) => {
        const box = pictureIn({ width: roomWidth, height: roomHeight }, { width, height });
        expect(box.width / box.height).toBeCloseTo(width / height, 3);
        expect(Math.min(box.left, box.top)).toBeCloseTo(0, 6);
        expect(box.left + box.width).toBeLessThanOrEqual(roomWidth + 1e-6);
        expect(box.top + box.height).toBeLessThanOrEqual(roomHeight + 1e-6);
      }),
    );
    expect(pictureIn({ width: 10, height: 5 }, { width: 0, height: 0 })).toEqual({ left: 0, top: 0, width: 10, height: 5 });
  });

  it('says who, when here and in UTC, and in which viewing', () => {
    const viewing = '01998a3c-7d5e-7c2a-9b1f-3f6e2d4c5b6a';
    const at = new Date('2026-07-04T09:15:30.250Z');
    const [who, local, utc] = overlayLines('Ida Inspect · I-7', viewing, at, 'Europe/Berlin, UTC+02:00');
    expect(who).toBe('Ida Inspect · I-7');
    expect(local).toMatch(/^2026-07-04 \d{2}:15:30 Europe\/Berlin, UTC\+02:00$/);
    expect(utc).toBe('2026-07-04T09:15:30Z · viewing 3f6e2d4c5b6a');
    expect(overlayLines('Ida Inspect', viewing, at, 'UTC')).toEqual([
      'Ida Inspect',
      '2026-07-04T09:15:30Z',
      'viewing 3f6e2d4c5b6a',
    ]);
  });
});
