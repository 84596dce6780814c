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
const plan = (rest: Partial<RedactionPlan>): RedactionPlan => ({ v: 1, regions: [], mutes: [], ...rest });

describe('checkPlan', () => {
  it('accepts a box that touches every edge and a mute from start to end', () => {
    const whole = plan({
      regions: [region(at(0, 0, 0, 640, 360), at(10_000, 540, 310))],
      mutes: [{ fromMs: 0, toMs: 10_000, reason: 'name' }],
    });
    expect(checkPlan(whole, probe)).toEqual([]);
  });

  it.each([
    ['nothing to do', plan({}), 'covers nothing and mutes nothing'],
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
      plan({ regions: [{ ...region(at(0), at(1)), shape: 'ellipse' as 'rectangle' }] }),
      'is a ellipse; only rectangles',
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
});
