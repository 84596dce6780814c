import { RedactionPlanSchema } from './redaction-plan.schema.js';

const keyframe = { atMs: 0, x: 10, y: 20, width: 64, height: 48 };
const region = { shape: 'rectangle', keyframes: [keyframe, { ...keyframe, atMs: 30_000, x: 200 }], reason: 'Bystander' };
const mute = { fromMs: 1000, toMs: 2500, reason: 'Name of a minor' };
const plan = { v: 1, regions: [region], mutes: [mute] };

const accepts = (value: unknown): boolean => RedactionPlanSchema.safeParse(value).success;
const withRegion = (change: object): object => ({ ...plan, regions: [{ ...region, ...change }] });
const withKeyframe = (change: object): object => withRegion({ keyframes: [keyframe, { ...keyframe, ...change }] });
const withMute = (change: object): object => ({ ...plan, mutes: [{ ...mute, ...change }] });

describe('the outer shape of a redaction plan', () => {
  it('takes a plan with a moving box and a muted span as it is', () => {
    expect(RedactionPlanSchema.parse(plan)).toEqual(plan);
  });

  it('takes boxes only, mutes only, and a box that begins outside the picture', () => {
    expect(accepts({ ...plan, mutes: [] })).toBe(true);
    expect(accepts({ ...plan, regions: [] })).toBe(true);
    expect(accepts(withKeyframe({ x: -30, y: -16_384 }))).toBe(true);
  });

  it('trims reasons, which end up in the record', () => {
    expect(RedactionPlanSchema.parse(withMute({ reason: '  Name  ' })).mutes[0]?.reason).toBe('Name');
  });

  it('refuses another version, an unknown field anywhere and a missing one', () => {
    const unknownInKeyframe = withKeyframe({ opacity: 0 });
    for (const wrong of [
      { ...plan, v: 2 },
      { ...plan, blur: true },
      withRegion({ blur: 3 }),
      unknownInKeyframe,
      withMute({ volume: 0 }),
    ])
      expect(accepts(wrong)).toBe(false);
    expect(accepts({ v: 1, regions: [region] })).toBe(false);
    expect(accepts({ v: 1, mutes: [mute] })).toBe(false);
  });

  it('refuses a region without two keyframes, a shape it does not know and more than it can carry', () => {
    expect(accepts(withRegion({ keyframes: [keyframe] }))).toBe(false);
    expect(accepts(withRegion({ shape: 'star' }))).toBe(false);
    expect(accepts(withRegion({ keyframes: Array.from({ length: 20_001 }, () => keyframe) }))).toBe(false);
    expect(accepts({ ...plan, regions: Array.from({ length: 501 }, () => region) })).toBe(false);
    expect(accepts({ ...plan, mutes: Array.from({ length: 1001 }, () => mute) })).toBe(false);
  });

  it.each([
    ['a fraction of a pixel', { x: 1.5 }],
    ['a box without width', { width: 0 }],
    ['a box of negative height', { height: -1 }],
    ['a place beyond all pictures', { x: 16_385 }],
    ['a time before the beginning', { atMs: -1 }],
    ['a time beyond 32 bits', { atMs: 2 ** 31 + 1 }],
    ['a time that is text', { atMs: '5' }],
    ['a time that is no number', { atMs: Number.NaN }],
    ['an endless time', { atMs: Number.POSITIVE_INFINITY }],
    ['no time', { atMs: null }],
  ])('refuses %s', (_, change) => {
    expect(accepts(withKeyframe(change))).toBe(false);
  });

  it('refuses a span that is not in whole milliseconds from the beginning, and a reason that says nothing', () => {
    for (const change of [
      { fromMs: 0.5 },
      { toMs: -1 },
      { reason: '' },
      { reason: '   ' },
      { reason: 'x' },
      { reason: 'x'.repeat(201) },
    ])
      expect(accepts(withMute(change))).toBe(false);
    expect(accepts(withRegion({ reason: ' ' }))).toBe(false);
  });

  it('takes ellipses and outlined polygons, styles, tones and a clip, and nothing else under their names', () => {
    const corner = [0, 1000];
    const outline = [corner, [500, 0], [1000, 1000]];
    for (const good of [
      withRegion({ shape: 'ellipse', style: 'solid' }),
      withRegion({ shape: 'polygon', outline, style: 'mosaic' }),
      withRegion({ style: 'blur' }),
      withMute({ fill: 'tone' }),
      withMute({ fill: 'silence' }),
      { ...plan, clip: { fromMs: 0, toMs: 1000 } },
    ])
      expect(RedactionPlanSchema.parse(good)).toEqual(good);
    for (const wrong of [
      withRegion({ shape: 'polygon', outline: outline.slice(1) }),
      withRegion({ shape: 'polygon', outline: Array.from({ length: 65 }, () => corner) }),
      withRegion({ shape: 'polygon', outline: [...outline, [0, 1001]] }),
      withRegion({ shape: 'polygon', outline: [...outline, [0.5, 0]] }),
      withRegion({ shape: 'polygon', outline: [...outline, [0, 0, 0]] }),
      withRegion({ shape: 'polygon', outline: null }),
      withRegion({ style: 'pixelate' }),
      withMute({ fill: 'beep' }),
      { ...plan, clip: { fromMs: 0 } },
      { ...plan, clip: { fromMs: 0, toMs: 1, reason: 'x' } },
      { ...plan, clip: [0, 1] },
    ])
      expect(accepts(wrong)).toBe(false);
  });

  it.each([null, undefined, 'plan', 1, [], {}])('refuses %p in place of a plan', (value) => {
    expect(accepts(value)).toBe(false);
  });
});
