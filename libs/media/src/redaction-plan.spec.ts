import fc from 'fast-check';
import type { Probe } from './ffprobe-report.js';
import { boxAt, checkPlan } from './redaction-plan.js';
import type { Keyframe, RedactionPlan, RedactionRegion } from './redaction-plan.js';

const probe: Probe = {
  container: 'mov',
  durationMs: 10_000,
  video: { codec: 'h264', width: 640, height: 360, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' },
  audio: { codec: 'aac', channels: 1, sampleRate: 48_000 },
  tags: {},
  tool: '',
};
const at = (atMs: number, x = 0, y = 0, width = 100, height = 50): Keyframe => ({ atMs, x, y, width, height });
const region = (...keyframes: Keyframe[]): RedactionRegion => ({ shape: 'rectangle', keyframes, reason: 'bystander' });
const polygon = (...outline: [number, number][]): RedactionRegion => ({
  ...region(at(0), at(1)),
  shape: 'polygon',
  outline:
    outline.length > 0
      ? outline
      : [
          [0, 0],
          [1000, 0],
          [0, 1000],
        ],
});
const plan = (rest: Partial<RedactionPlan>): RedactionPlan => ({ v: 1, regions: [], mutes: [], ...rest });

describe('checkPlan', () => {
  it('accepts a box that touches every edge and a mute from start to end', () => {
    const whole = plan({
      regions: [region(at(0, 0, 0, 640, 360), at(10_000, 540, 310))],
      mutes: [{ fromMs: 0, toMs: 10_000, reason: 'name' }],
    });
    expect(checkPlan(whole, probe)).toEqual([]);
  });

  it('accepts a clip alone, five hundred regions and regions over each other', () => {
    expect(checkPlan(plan({ clip: { fromMs: 0, toMs: 10_000 } }), probe)).toEqual([]);
    expect(checkPlan(plan({ regions: Array.from({ length: 500 }, () => polygon()) }), probe)).toEqual([]);
  });

  it('accepts what reaches into the clip by a frame at least, and tones beside tones', () => {
    const clip = { fromMs: 1000, toMs: 2000 };
    const within = {
      regions: [region(at(0), at(1000)), region(at(1999), at(3000))],
      mutes: [{ fromMs: 0, toMs: 1001, reason: 'x' }],
    };
    expect(checkPlan(plan({ ...within, clip }), probe)).toEqual([]);
    const tones = [0, 100, 120].map((fromMs) => ({ fromMs, toMs: fromMs + 100, reason: 'x', fill: 'tone' as const }));
    expect(checkPlan(plan({ mutes: [...tones, { fromMs: 420, toMs: 430, reason: 'x' }] }), probe)).toEqual([]);
  });

  it.each([
    ['nothing to do', plan({}), 'covers nothing, mutes nothing and cuts nothing'],
    [
      'a box past the right edge',
      plan({ regions: [region(at(0), at(1000, 541))] }),
      'Region 1, keyframe 2: it reaches outside the picture of 640×360',
    ],
    ['a box above the top', plan({ regions: [region(at(0, 0, -1), at(1000))] }), 'keyframe 1: it reaches outside'],
    ['an empty box', plan({ regions: [region(at(0, 0, 0, 0, 5), at(1000))] }), 'it is empty (0×5 pixels)'],
    ['keyframes out of order', plan({ regions: [region(at(1000), at(500))] }), 'keyframe 2: its time 500 ms is not after'],
    ['two keyframes at one time', plan({ regions: [region(at(500), at(500))] }), 'is not after the keyframe before it'],
    ['one keyframe alone', plan({ regions: [region(at(500))] }), 'Region 1 needs at least two keyframes'],
    ['a keyframe beyond the end', plan({ regions: [region(at(0), at(10_001))] }), 'beyond the end of the recording at 10000 ms'],
    ['a keyframe before the start', plan({ regions: [region(at(-5), at(10))] }), 'before the recording begins'],
    ['half pixels', plan({ regions: [region(at(0, 0.5), at(1000))] }), 'must be whole numbers'],
    ['not a number', plan({ regions: [region(at(NaN), at(1000))] }), 'must be whole numbers'],
    ['no reason', plan({ regions: [{ ...region(at(0), at(1)), reason: ' ' }] }), 'Region 1 gives no reason'],
    [
      'another shape',
      plan({ regions: [{ ...region(at(0), at(1)), shape: 'circle' as 'ellipse' }] }),
      'Region 1 has the shape "circle"; rectangle, ellipse and polygon are known.',
    ],
    [
      'another style',
      plan({ regions: [{ ...region(at(0), at(1)), style: 'pixels' as 'mosaic' }] }),
      'has the style "pixels"; solid, mosaic and blur are known.',
    ],
    ['another fill', plan({ mutes: [{ fromMs: 1, toMs: 2, reason: 'x', fill: 'beep' as 'tone' }] }), 'has the fill "beep"'],
    [
      'a polygon without outline',
      plan({ regions: [{ ...region(at(0), at(1)), shape: 'polygon' }] }),
      'Region 1: a polygon needs an outline.',
    ],
    [
      'an outline that crosses itself',
      plan({ regions: [polygon([0, 0], [1000, 1000], [1000, 0], [0, 900])] }),
      'Region 1: its outline crosses or touches itself (sides 1 and 3).',
    ],
    ['an outline of a rectangle', plan({ regions: [{ ...polygon(), shape: 'rectangle' }] }), 'only a polygon has an outline'],
    ['an empty clip', plan({ clip: { fromMs: 9, toMs: 9 } }), 'The clip is empty'],
    ['a clip before the start', plan({ clip: { fromMs: -1, toMs: 9 } }), 'The clip begins before the recording'],
    ['a clip beyond the end', plan({ clip: { fromMs: 1, toMs: 10_001 } }), 'The clip ends at 10001 ms, beyond the end'],
    ['a clip of half milliseconds', plan({ clip: { fromMs: 0.5, toMs: 9 } }), 'whole milliseconds'],
    [
      'a region outside the clip',
      plan({ regions: [region(at(0), at(1000))], clip: { fromMs: 1001, toMs: 2000 } }),
      'Region 1 (0 to 1000 ms) lies wholly outside the clip (1001 to 2000 ms)',
    ],
    [
      'a region that begins with the clip’s end',
      plan({ regions: [region(at(2000), at(3000))], clip: { fromMs: 1001, toMs: 2000 } }),
      'lies wholly outside the clip',
    ],
    [
      'a mute outside the clip',
      plan({ mutes: [{ fromMs: 5, toMs: 1000, reason: 'x' }], clip: { fromMs: 1000, toMs: 2000 } }),
      'Mute 1 (5 to 1000 ms) lies wholly outside the clip',
    ],
    [
      'a tone inside a silence',
      plan({
        mutes: [
          { fromMs: 0, toMs: 5000, reason: 'x' },
          { fromMs: 10, toMs: 20, reason: 'x' },
          { fromMs: 1000, toMs: 1500, reason: 'x', fill: 'tone' },
        ],
      }),
      'Mutes 1 and 3 lie closer together than 200 ms, one a silence and one a tone',
    ],
    ['another version', { ...plan({ regions: [region(at(0), at(1))] }), v: 2 as 1 }, 'version 2'],
    ['an empty mute', plan({ mutes: [{ fromMs: 5, toMs: 5, reason: 'x' }] }), 'Mute 1 is empty'],
    [
      'a mute beyond the end',
      plan({ mutes: [{ fromMs: 5, toMs: 10_001, reason: 'x' }] }),
      'Mute 1 ends at 10001 ms, beyond the end',
    ],
    ['a mute before the start', plan({ mutes: [{ fromMs: -1, toMs: 9, reason: 'x' }] }), 'Mute 1 begins before'],
    ['half milliseconds', plan({ mutes: [{ fromMs: 0.5, toMs: 9, reason: 'x' }] }), 'whole milliseconds'],
    ['a mute without reason', plan({ mutes: [{ fromMs: 0, toMs: 9, reason: '' }] }), 'Mute 1 gives no reason'],
    ['too many regions', plan({ regions: Array.from({ length: 501 }, () => region(at(0), at(1))) }), 'too large'],
  ])('reports %s', (_what, wrong, words) => {
    const faults = checkPlan(wrong, probe);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(words);
  });

  it('reports a mute of a recording without sound', () => {
    expect(checkPlan(plan({ mutes: [{ fromMs: 0, toMs: 9, reason: 'x' }] }), { ...probe, audio: null })).toEqual([
      'The plan mutes sound, but the recording has none.',
    ]);
  });

  it('names all faults at once', () => {
    expect(
      checkPlan(plan({ regions: [region(at(0, 600), at(0))], mutes: [{ fromMs: 2, toMs: 1, reason: '' }] }), probe),
    ).toHaveLength(4);
  });
});

describe('boxAt', () => {
  const moving = region(at(1000, 0, 0, 100, 50), at(2000, 200, 100, 50, 100), at(4000, 0, 0, 50, 100));

  it.each([
    [999.9, null],
    [1000, { x: 0, y: 0, width: 100, height: 50 }],
    [1250, { x: 50, y: 25, width: 87.5, height: 62.5 }],
    [2000, { x: 200, y: 100, width: 50, height: 100 }],
    [3000, { x: 100, y: 50, width: 50, height: 100 }],
    [4000, { x: 0, y: 0, width: 50, height: 100 }],
    [4000.1, null],
  ])('at %d ms', (atMs, expected) => {
    const box = boxAt(moving, atMs);
    if (expected === null) expect(box).toBeNull();
    else expect(box).toMatchObject(expected);
  });

  const keyframes = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 12 }).chain((times) =>
    fc.tuple(
      ...times
        .toSorted((a, b) => a - b)
        .map((atMs) =>
          fc
            .record({
              x: fc.nat(600),
              y: fc.nat(300),
              width: fc.integer({ min: 1, max: 40 }),
              height: fc.integer({ min: 1, max: 60 }),
            })
            .map((box) => ({ atMs, ...box })),
        ),
    ),
  );

  it('is there from the first keyframe to the last and at no other time', () => {
    fc.assert(
      fc.property(keyframes, fc.double({ min: -100, max: 10_100, noNaN: true }), (all, atMs) => {
        const [first, last] = [all[0]?.atMs ?? 0, all.at(-1)?.atMs ?? 0];
        expect(boxAt(region(...all), atMs) !== null).toBe(atMs >= first && atMs <= last);
      }),
    );
  });

  it('lies between its two keyframes, meets each of them and so never leaves the picture', () => {
    fc.assert(
      fc.property(keyframes, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
        const where = region(...all);
        all.forEach((from, index) => {
          expect(boxAt(where, from.atMs)).toMatchObject(from);
          const to = all[index + 1];
          if (to === undefined) return;
          const box = boxAt(where, from.atMs + (to.atMs - from.atMs) * part);
          for (const side of ['x', 'y', 'width', 'height'] as const) {
            expect(box?.[side]).toBeGreaterThanOrEqual(Math.min(from[side], to[side]) - 1e-9);
            expect(box?.[side]).toBeLessThanOrEqual(Math.max(from[side], to[side]) + 1e-9);
          }
        });
        expect(checkPlan(plan({ regions: [where] }), probe)).toEqual([]);
      }),
    );
  });

  it('moves evenly: half way in time is half way in place', () => {
    fc.assert(
      fc.property(keyframes, (all) => {
        const [from, to] = [all[0], all[1]];
        if (from === undefined || to === undefined) return;
        const middle = boxAt(region(...all), (from.atMs + to.atMs) / 2);
        for (const side of ['x', 'y', 'width', 'height'] as const)
          expect(middle?.[side]).toBeCloseTo((from[side] + to[side]) / 2, 6);
      }),
    );
  });
});
