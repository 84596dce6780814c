import fc from 'fast-check';
import { boxAt, checkPlan, type RedactionRegion } from '../redaction-plan.js';
import { keyframesOf, spanFaults, thinned, THINNING_PIXELS, trackingFaults, type Sample } from './tracking.rules.js';

const side = fc.double({ min: 8, max: 200, noNaN: true });
const place = fc.double({ min: -100, max: 700, noNaN: true });
const way: fc.Arbitrary<Sample[]> = fc
  .array(fc.record({ step: fc.integer({ min: 2, max: 200 }), x: place, y: place, width: side, height: side }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let atMs = 0;
    return steps.map(({ step, ...box }) => ({ ...box, atMs: (atMs += step) }));
  });
const inside: fc.Arbitrary<Sample[]> = way.map((samples) =>
  samples.map((sample) => ({ ...sample, x: 20 + (Math.abs(sample.x) % 400), y: 20 + (Math.abs(sample.y) % 200) })),
);
const PICTURE = { width: 640, height: 480 };

function regionOf(keyframes: RedactionRegion['keyframes']): RedactionRegion {
  return { shape: 'rectangle', keyframes, reason: 'bystander' };
}

describe('the way of a box', () => {
  it('is thinned to some of its samples, first and last among them, and never by more than the tolerance', () => {
    fc.assert(
      fc.property(way, fc.double({ min: 0, max: 20, noNaN: true }), (samples, tolerance) => {
        const kept = thinned(samples, tolerance);
        expect(kept.every((sample) => samples.includes(sample))).toBe(true);
        expect([kept[0], kept.at(-1)]).toEqual([samples[0], samples.at(-1)]);
        for (const sample of samples) {
          const drawn = boxAt(regionOf(kept), sample.atMs);
          if (drawn === null) throw new Error('a sample lies outside its own way');
          expect(Math.abs(drawn.x - sample.x)).toBeLessThanOrEqual(tolerance + 1e-6);
          expect(Math.abs(drawn.y + drawn.height - sample.y - sample.height)).toBeLessThanOrEqual(tolerance + 1e-6);
        }
      }),
    );
  });

  it('that is even needs no more than its ends', () => {
    const even = Array.from({ length: 100 }, (_, n) => ({ atMs: n * 40, x: 3 * n, y: 10, width: 50, height: 50 }));
    expect(thinned(even, 0.001)).toHaveLength(2);
  });

  it('becomes keyframes that a plan takes and that cover every sample', () => {
    fc.assert(
      fc.property(inside, (samples) => {
        const keyframes = keyframesOf(samples, PICTURE);
        const probe = { durationMs: 100_000, video: { ...PICTURE }, audio: null } as never;
        expect(checkPlan({ v: 1, regions: [regionOf(keyframes)], mutes: [] }, probe)).toEqual([]);
        if (samples.length === 1) return;
        for (const sample of samples) {
          const drawn = boxAt(regionOf(keyframes), sample.atMs);
          if (drawn === null) throw new Error('a sample is not covered at all');
          expect(drawn.x).toBeLessThanOrEqual(Math.max(0, sample.x));
          expect(drawn.y + drawn.height).toBeGreaterThanOrEqual(Math.min(PICTURE.height, sample.y + sample.height) - 1e-6);
        }
      }),
    );
  });

  it('gives no keyframes where nothing of it is in the picture', () => {
    expect(keyframesOf([{ atMs: 0, x: 900, y: 10, width: 50, height: 50 }], PICTURE)).toEqual([]);
    expect(THINNING_PIXELS).toBe(2);
  });
});

describe('what can be followed', () => {
  const recording = { durationMs: 5000, ...PICTURE };
  const good = { box: { x: 10, y: 10, width: 50, height: 50 }, atMs: 0, untilMs: 1000 };

  it('is a box in the picture for a span of the recording', () => {
    expect(trackingFaults(good, recording)).toEqual([]);
    expect(trackingFaults({ ...good, box: { x: 590, y: 430, width: 50, height: 50 }, untilMs: 5000 }, recording)).toEqual([]);
  });

  it.each([
    ['no width', { box: { ...good.box, width: 0 } }],
    ['no height', { box: { ...good.box, height: 7 } }],
    ['a side that is no number', { box: { ...good.box, width: Number.NaN } }],
    ['a place left of the picture', { box: { ...good.box, x: -1 } }],
    ['a place off its right edge', { box: { ...good.box, x: 591 } }],
    ['a place below it', { box: { ...good.box, y: 431 } }],
    ['a time beyond the end', { untilMs: 5001 }],
    ['no time', { untilMs: 0 }],
  ])('is not a box with %s', (_, change) => {
    expect(trackingFaults({ ...good, ...change }, recording)).toHaveLength(1);
  });

  it('says everything that is wrong at once', () => {
    expect(trackingFaults({ box: { x: -5, y: 0, width: 2, height: 2 }, atMs: 9000, untilMs: 8000 }, recording)).toHaveLength(4);
    expect(spanFaults(0, 5000, 5000)).toEqual([]);
  });
});
