import fc from 'fast-check';
import type { Box } from '../redaction-plan.js';
import { distinct, overlap, paired, SAME } from './detections.rules.js';

const box: fc.Arbitrary<Box> = fc.record({
  x: fc.integer({ min: -50, max: 100 }),
  y: fc.integer({ min: -50, max: 100 }),
  width: fc.integer({ min: 1, max: 80 }),
  height: fc.integer({ min: 1, max: 80 }),
});
const boxes = fc.array(box, { maxLength: 12 });

describe('boxes that show the same thing', () => {
  it('overlap as much one way as the other, wholly with themselves, and never beyond', () => {
    fc.assert(
      fc.property(box, box, (a, b) => {
        expect(overlap(a, b)).toBe(overlap(b, a));
        expect(overlap(a, a)).toBe(1);
        expect(overlap(a, b)).toBeGreaterThanOrEqual(0);
        expect(overlap(a, b)).toBeLessThanOrEqual(1);
      }),
    );
    expect(overlap({ x: 0, y: 0, width: 10, height: 10 }, { x: 5, y: 0, width: 10, height: 10 })).toBeCloseTo(1 / 3);
    expect(overlap({ x: 0, y: 0, width: 10, height: 10 }, { x: 10, y: 0, width: 10, height: 10 })).toBe(0);
  });

  it('are reduced to the larger: every box is kept or overlaps with one that is', () => {
    fc.assert(
      fc.property(boxes, (all) => {
        const kept = distinct(all);
        for (const each of all)
          expect(kept.includes(each) || all.some((other) => other !== each && overlap(each, other) > SAME)).toBe(true);
        for (const [index, each] of kept.entries())
          for (const other of kept.slice(index + 1)) expect(overlap(each, other)).toBeLessThanOrEqual(SAME);
      }),
    );
  });

  it('are paired one to one, only where they overlap, and no pair that could be made is left', () => {
    fc.assert(
      fc.property(boxes, boxes, (followed, found) => {
        const pairs = paired(followed, found);
        expect(new Set(pairs.map((pair) => pair.followed)).size).toBe(pairs.length);
        expect(new Set(pairs.map((pair) => pair.found)).size).toBe(pairs.length);
        followed.forEach((a, i) =>
          found.forEach((b, j) => {
            const free = pairs.every((pair) => pair.followed !== i && pair.found !== j);
            if (free) expect(overlap(a, b)).toBeLessThanOrEqual(SAME);
          }),
        );
      }),
    );
  });
});
