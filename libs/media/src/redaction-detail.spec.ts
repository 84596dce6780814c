import fc from 'fast-check';
import { DetailMeter } from './redaction-detail.js';
import type { RedactionRegion } from './redaction-plan.js';

const SIZE = { width: 128, height: 96 };
const PLANE = { ...SIZE, step: 1 } as const;
const BLOCK = 16;
const region: RedactionRegion = { shape: 'ellipse', keyframes: [], reason: 'bystander' };
const box = { x: 9.5, y: 7, width: 100, height: 80 };

const picture = (value: (x: number, y: number) => number): Buffer =>
  Buffer.from(
    Array.from({ length: SIZE.width * SIZE.height }, (_, index) => value(index % SIZE.width, Math.floor(index / SIZE.width))),
  );
const rough = (style: 'mosaic' | 'blur', seen: Buffer): number =>
  new DetailMeter(PLANE, style, SIZE).rough(seen, 0, region, box).length;

describe('DetailMeter', () => {
  const levels = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 63, maxLength: 63 });

  it('finds no detail in any mosaic, and none between the middles of any blur’s blocks', () => {
    fc.assert(
      fc.property(levels, (values) => {
        const level = (column: number, row: number): number => values[(row * 9 + column) % values.length] ?? 0;
        expect(
          rough(
            'mosaic',
            picture((x, y) => level(Math.floor(x / BLOCK), Math.floor(y / BLOCK))),
          ),
        ).toBe(0);
        const blurred = picture((x, y) => {
          const [across, down] = [(x + 0.5) / BLOCK + 0.5, (y + 0.5) / BLOCK + 0.5];
          const [column, row] = [Math.floor(across), Math.floor(down)];
          const [u, v] = [across - column, down - row];
          return (
            (level(column, row) * (1 - u) + level(column + 1, row) * u) * (1 - v) +
            (level(column, row + 1) * (1 - u) + level(column + 1, row + 1) * u) * v
          );
        });
        expect(rough('blur', blurred)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it.each(['mosaic', 'blur'] as const)('finds stripes, a slanting edge and a single letter in a %s', (style) => {
    expect(
      rough(
        style,
        picture((x) => (x % 4 < 2 ? 100 : 140)),
      ),
    ).toBeGreaterThan(10);
    expect(
      rough(
        style,
        picture((x, y) => (x > y ? 90 : 130)),
      ),
    ).toBeGreaterThan(2);
    const letter = picture((x, y) => (x > 52 && x < 60 && y > 50 && y < 62 && (x < 55 || y > 58) ? 40 : 200));
    expect(rough(style, letter)).toBeGreaterThan(0);
  });

  it('looks at nothing outside the region or under what lies over it', () => {
    const outside = picture((x, y) => (Math.hypot((x + 0.5 - 59.5) / 50, (y + 0.5 - 47) / 40) < 1 ? 128 : x % 2 === 0 ? 0 : 255));
    expect(rough('mosaic', outside)).toBe(0);
    const stripes = picture((x) => (x % 2 === 0 ? 0 : 255));
    expect(new DetailMeter(PLANE, 'mosaic', SIZE).rough(stripes, 0, region, box, () => true)).toEqual([]);
  });
});
