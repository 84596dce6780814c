import fc from 'fast-check';
import { outlineFaults } from './redaction-outline.js';
import type { OutlinePoint } from './redaction-plan.js';

const ring = (corners: number): OutlinePoint[] =>
  Array.from({ length: corners }, (_, index) => {
    const angle = (2 * Math.PI * index) / corners;
    return [Math.round(500 + 490 * Math.cos(angle)), Math.round(500 + 490 * Math.sin(angle))];
  });

describe('outlineFaults', () => {
  it.each([
    ['a triangle', ring(3)],
    ['64 corners', ring(64)],
    [
      'an arrow with a notch',
      [
        [0, 0],
        [1000, 500],
        [0, 1000],
        [500, 500],
      ],
    ],
    [
      'a corner in the middle of a straight side',
      [
        [0, 0],
        [500, 0],
        [1000, 0],
        [1000, 1000],
      ],
    ],
  ] as [string, OutlinePoint[]][])('accepts %s', (_what, outline) => {
    expect(outlineFaults(outline)).toEqual([]);
  });

  it.each([
    ['two corners', ring(2), 'has 2 corners, where 3 to 64 are allowed'],
    ['65 corners', ring(65), 'has 65 corners'],
    [
      'a corner outside its box',
      [
        [0, 0],
        [1001, 0],
        [0, 1000],
      ],
      'corner 2 of its outline is not given in whole thousandths',
    ],
    [
      'half thousandths',
      [
        [0, 0],
        [0.5, 0],
        [0, 1000],
      ],
      'corner 2',
    ],
    ['a corner of one number', [[0, 0], [1] as unknown as OutlinePoint, [0, 1000]], 'corner 2'],
    [
      'a bow tie',
      [
        [0, 0],
        [1000, 1000],
        [1000, 0],
        [0, 900],
      ],
      'crosses or touches itself (sides 1 and 3)',
    ],
    [
      'a corner that touches another side',
      [
        [0, 0],
        [1000, 0],
        [1000, 1000],
        [500, 0],
        [0, 1000],
      ],
      'crosses or touches itself',
    ],
    [
      'the same corner twice',
      [
        [0, 0],
        [0, 0],
        [1000, 0],
        [0, 1000],
      ],
      'crosses or touches itself (sides 1 and 2)',
    ],
    [
      'a side that runs back',
      [
        [0, 0],
        [1000, 0],
        [500, 0],
        [500, 1000],
      ],
      'crosses or touches itself',
    ],
    [
      'corners on one line',
      [
        [0, 0],
        [500, 500],
        [1000, 1000],
      ],
      'encloses no area',
    ],
  ] as [string, OutlinePoint[], string][])('reports %s', (_what, outline, words) => {
    const faults = outlineFaults(outline);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(words);
  });

  it('judges an outline the same from whichever corner it begins and whichever way it goes', () => {
    const corner = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }));
    fc.assert(
      fc.property(fc.array(corner, { minLength: 3, maxLength: 7 }), fc.nat(6), (outline, by) => {
        const sound = outlineFaults(outline).length === 0;
        const turned = [...outline.slice(by % outline.length), ...outline.slice(0, by % outline.length)];
        expect(outlineFaults(turned).length === 0).toBe(sound);
        expect(outlineFaults(outline.toReversed()).length === 0).toBe(sound);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts every outline whose corners go once round a point', () => {
    const angles = fc.uniqueArray(fc.integer({ min: 0, max: 35 }), { minLength: 8, maxLength: 36 });
    fc.assert(
      fc.property(angles, fc.array(fc.integer({ min: 300, max: 500 }), { minLength: 36, maxLength: 36 }), (steps, radii) => {
        // Without gaps of half a turn, which would leave the point outside.
        const all = [...new Set([...steps, 0, 6, 12, 18, 24, 30])].sort((a, b) => a - b);
        const outline = all.map((step): OutlinePoint => {
          const [angle, radius] = [(step * Math.PI) / 18, radii[step] as number];
          return [Math.round(500 + radius * Math.cos(angle)), Math.round(500 + radius * Math.sin(angle))];
        });
        expect(outlineFaults(outline)).toEqual([]);
      }),
    );
  });
});
