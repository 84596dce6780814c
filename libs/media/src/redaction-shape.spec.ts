import fc from 'fast-check';
import type { Box, OutlinePoint, RedactionRegion } from './redaction-plan.js';
import { rowsOf, spansOf } from './redaction-shape.js';
import type { Plane } from './redaction-shape.js';

const region = (shape: RedactionRegion['shape'], outline?: readonly OutlinePoint[]): RedactionRegion => ({
  shape,
  reason: 'bystander',
  keyframes: [],
  ...(outline === undefined ? {} : { outline }),
});
const bright: Plane = { width: 64, height: 48, step: 1 };
const colour: Plane = { width: 32, height: 24, step: 2 };
const planes = fc.constantFrom(bright, colour);
const boxes: fc.Arbitrary<Box> = fc
  .tuple(
    fc.double({ min: 0, max: 40, noNaN: true }),
    fc.double({ min: 0, max: 30, noNaN: true }),
    fc.double({ min: 1, max: 24, noNaN: true }),
    fc.double({ min: 1, max: 18, noNaN: true }),
  )
  .map(([x, y, width, height]) => ({ x, y, width, height }));

/** The samples of a plane for which two opinions differ; one `expect` for each of them would take minutes. */
function differing(plane: Plane, found: Set<string>, expected: (x: number, y: number) => boolean | undefined): string[] {
  const names: string[] = [];
  for (let y = 0; y < plane.height; y += 1) {
    for (let x = 0; x < plane.width; x += 1) {
      const name = `${x},${y}`;
      const wanted = expected(x, y);
      if (wanted !== undefined && wanted !== found.has(name)) names.push(name);
    }
  }
  return names;
}

function covered(of: RedactionRegion, box: Box, plane: Plane): Set<string> {
  const found = new Set<string>();
  const rows = rowsOf(box, plane);
  for (let y = rows.from; y < rows.to; y += 1) {
    for (const { from, to } of spansOf(of, box, plane, y)) for (let x = from; x < to; x += 1) found.add(`${x},${y}`);
  }
  return found;
}

describe('the samples of a region', () => {
  it('are, for a rectangle, all that it touches', () => {
    fc.assert(
      fc.property(boxes, planes, (box, plane) => {
        const touches = (x: number, y: number): boolean => {
          const [left, top, side] = [x * plane.step, y * plane.step, plane.step];
          return left < box.x + box.width && left + side > box.x && top < box.y + box.height && top + side > box.y;
        };
        expect(differing(plane, covered(region('rectangle'), box, plane), touches)).toEqual([]);
      }),
    );
  });

  it('are, for an ellipse, those whose centre lies inside', () => {
    fc.assert(
      fc.property(boxes, planes, (box, plane) => {
        const inside = (x: number, y: number): boolean | undefined => {
          const u = ((x + 0.5) * plane.step - box.x - box.width / 2) / (box.width / 2);
          const v = ((y + 0.5) * plane.step - box.y - box.height / 2) / (box.height / 2);
          const far = u * u + v * v;
          return Math.abs(far - 1) < 1e-9 ? undefined : far < 1;
        };
        expect(differing(plane, covered(region('ellipse'), box, plane), inside)).toEqual([]);
      }),
    );
  });

  it('are, for a triangle, those whose centre lies on the inner side of all three edges', () => {
    const corner = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1000 }));
    fc.assert(
      fc.property(boxes, planes, fc.tuple(corner, corner, corner), (box, plane, outline) => {
        const corners = outline.map(([x, y]) => [box.x + (x * box.width) / 1000, box.y + (y * box.height) / 1000] as const);
        const inside = (x: number, y: number): boolean | undefined => {
          const [px, py] = [(x + 0.5) * plane.step, (y + 0.5) * plane.step];
          const sides = corners.map(([ax, ay], index) => {
            const [bx, by] = corners[(index + 1) % 3] as readonly [number, number];
            return (bx - ax) * (py - ay) - (by - ay) * (px - ax);
          });
          if (sides.some((side) => Math.abs(side) < 1e-6)) return undefined;
          return sides.every((side) => side > 0) || sides.every((side) => side < 0);
        };
        expect(differing(plane, covered(region('polygon', outline), box, plane), inside)).toEqual([]);
      }),
    );
  });

  it('leave out the notch of an arrow', () => {
    const arrow = region('polygon', [
      [0, 0],
      [1000, 500],
      [0, 1000],
      [500, 500],
    ]);
    const found = covered(arrow, { x: 10, y: 10, width: 20, height: 20 }, bright);
    expect([found.has('12,20'), found.has('24,20'), found.has('13,13')]).toEqual([false, true, true]);
  });

  it('lie within the plane and within the box, in order and apart', () => {
    const outline = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1000 })), {
      minLength: 3,
      maxLength: 20,
    });
    fc.assert(
      fc.property(boxes, planes, outline, fc.constantFrom('rectangle', 'ellipse', 'polygon'), (box, plane, corners, shape) => {
        const rows = rowsOf(box, plane);
        for (let y = rows.from; y < rows.to; y += 1) {
          let reached = Math.max(0, Math.floor(box.x / plane.step));
          for (const { from, to } of spansOf(region(shape, corners), box, plane, y)) {
            expect(from).toBeGreaterThanOrEqual(reached);
            expect(to).toBeGreaterThan(from);
            reached = to;
          }
          expect(reached).toBeLessThanOrEqual(Math.min(plane.width, Math.ceil((box.x + box.width) / plane.step)));
        }
      }),
    );
  });
});
