import fc from 'fast-check';
import { carried, gridPoints, likeness, patchOf, settled, visiblePart, visibleShare } from './median-flow.rules.js';

const SIZE = { width: 320, height: 180 };
const box = fc.record({
  x: fc.double({ min: 0, max: 200, noNaN: true }),
  y: fc.double({ min: 0, max: 100, noNaN: true }),
  width: fc.double({ min: 10, max: 80, noNaN: true }),
  height: fc.double({ min: 10, max: 60, noNaN: true }),
});
/** A picture in which every place looks different, and like those beside it. */
const pixels = Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, i) => {
  const [x, y] = [i % SIZE.width, Math.floor(i / SIZE.width)];
  return 128 + 40 * Math.sin(x / 5) + 40 * Math.sin(y / 7) + 40 * Math.sin((x * y) / 900);
});
const frame = { ...SIZE, pixels };

describe('median flow', () => {
  it('moves a box with its points and sizes it as they spread, though a third follow something else', () => {
    const shift = fc.double({ min: -20, max: 20, noNaN: true });
    fc.assert(
      fc.property(box, shift, shift, fc.double({ min: 0.95, max: 1.05, noNaN: true }), (before, dx, dy, grown) => {
        const from = gridPoints(before, SIZE);
        const [cx, cy] = [before.x + before.width / 2, before.y + before.height / 2];
        const points = from.map((value, index) => {
          const centre = index % 2 === 0 ? cx : cy;
          return centre + (value - centre) * grown + (index % 2 === 0 ? dx : dy);
        });
        const strayed = new Float32Array(from.length / 2);
        for (let i = 0; i < strayed.length; i += 3) {
          points[2 * i] = 0;
          strayed[i] = 9;
        }
        const after = carried(before, from, { points, strayed })?.box;
        // The third that is left out lies more to the left, so the median is a little right of the middle.
        expect(Math.abs((after?.x ?? NaN) - cx - dx + (before.width * grown) / 2)).toBeLessThan(before.width * 0.03);
        expect(Math.abs((after?.y ?? NaN) - cy - dy + (before.height * grown) / 2)).toBeLessThan(before.height * 0.03);
        expect(Math.abs((after?.width ?? NaN) - before.width * grown)).toBeLessThan(before.width * 0.01);
      }),
    );
  });

  it('says nothing when hardly a point came back, or there are none', () => {
    const from = gridPoints({ x: 10, y: 10, width: 50, height: 50 }, SIZE);
    expect(
      carried({ x: 10, y: 10, width: 50, height: 50 }, from, { points: from, strayed: new Float32Array(81).fill(Infinity) }),
    ).toBeNull();
    const none = new Float32Array(0);
    expect(carried({ x: 10, y: 10, width: 50, height: 50 }, none, { points: none, strayed: none })).toBeNull();
    expect(gridPoints({ x: 318, y: 10, width: 50, height: 50 }, SIZE)).toHaveLength(0);
  });

  it('only asks for points inside the picture', () => {
    fc.assert(
      fc.property(box, fc.integer({ min: -300, max: 300 }), (each, dx) => {
        const points = gridPoints({ ...each, x: each.x + dx }, SIZE);
        points.forEach((value, index) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(index % 2 === 0 ? SIZE.width : SIZE.height);
        });
      }),
    );
  });
});

describe('likeness', () => {
  it('is 1 of a patch and itself, also when it is brighter or has less contrast', () => {
    fc.assert(
      fc.property(
        box,
        fc.double({ min: 0.3, max: 2, noNaN: true }),
        fc.integer({ min: -50, max: 50 }),
        (each, contrast, brighter) => {
          const patch = patchOf(frame, each);
          expect(
            likeness(
              patch,
              patch.map((value) => value * contrast + brighter),
            ),
          ).toBeCloseTo(1, 3);
        },
      ),
    );
  });

  it('is 0 when hardly any of it is in the picture, and when only one of two is flat', () => {
    const patch = patchOf(frame, { x: 20, y: 20, width: 40, height: 40 });
    expect(likeness(patch, patchOf(frame, { x: 310, y: 170, width: 60, height: 60 }))).toBe(0);
    const flat = new Float32Array(patch.length).fill(90);
    expect(likeness(patch, flat)).toBe(0);
    expect(likeness(flat, flat)).toBe(1);
  });

  it('brings a box back that has strayed by a few pixels', () => {
    const true_ = { x: 100, y: 60, width: 24, height: 24 };
    const found = settled(frame, { ...true_, x: 104, y: 57 }, patchOf(frame, true_));
    expect(Math.abs(found.box.x - true_.x)).toBeLessThanOrEqual(1);
    expect(Math.abs(found.box.y - true_.y)).toBeLessThanOrEqual(1);
    expect(found.likeness).toBeGreaterThan(0.99);
  });
});

describe('the visible part of a box', () => {
  it('lies in the picture, and its share is between none and all', () => {
    fc.assert(
      fc.property(box, fc.integer({ min: -400, max: 400 }), (each, dx) => {
        const part = visiblePart({ ...each, x: each.x + dx }, SIZE);
        expect(part.x).toBeGreaterThanOrEqual(0);
        expect(part.x + part.width).toBeLessThanOrEqual(SIZE.width + 1e-9);
        const share = visibleShare({ ...each, x: each.x + dx }, SIZE);
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });
});
