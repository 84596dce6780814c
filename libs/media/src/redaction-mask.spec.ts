import { maskScript, maskSize, redactionMasks } from './redaction-mask.js';
import type { RedactionPlan } from './redaction-plan.js';

const plan = (keyframes: RedactionPlan['regions'][number]['keyframes']): RedactionPlan => ({
  v: 1,
  regions: [{ shape: 'rectangle', reason: 'bystander', keyframes }],
  mutes: [],
});
const events = (script: string): string[] => script.split('\n').filter((line) => line.startsWith('Dialogue:'));

describe('maskScript', () => {
  it('moves and resizes a box, larger by its margin, from a rounded-down start to a rounded-up end', () => {
    const script = maskScript(
      plan([
        { atMs: 1005, x: 100, y: 50, width: 80, height: 60 },
        { atMs: 2000, x: 200, y: 50, width: 100, height: 60 },
      ]),
      { width: 640, height: 360 },
    );
    expect(events(script)).toEqual([
      'Dialogue: 0,0:00:01.00,0:00:02.01,Box,,0,0,0,,{\\move(92,42,192,42,5,1000)\\fscx9.6\\fscy7.6\\t(5,1000,\\fscx11.6\\fscy7.6)\\p1}m 0 0 l 1000 0 1000 1000 0 1000',
    ]);
  });

  it('makes one event for each interval and does not animate what stands still', () => {
    const still = { x: 10, y: 10, width: 20, height: 20 };
    const script = maskScript(plan([0, 500, 3_600_000].map((atMs) => ({ atMs, ...still }))), { width: 640, height: 360 });
    expect(events(script)).toHaveLength(2);
    expect(events(script)[1]).toContain('0:00:00.50,1:00:00.01,Box,,0,0,0,,{\\pos(2,2)\\fscx3.6\\fscy3.6\\p1}');
  });

  it('draws what leaps larger by as much as it moves in a millisecond, the unit of libass', () => {
    const script = maskScript(
      plan([
        { atMs: 33, x: 100, y: 100, width: 40, height: 40 },
        { atMs: 34, x: 130, y: 140, width: 40, height: 40 },
        { atMs: 84, x: 170, y: 150, width: 40, height: 40 },
      ]),
      { width: 640, height: 360 },
    );
    expect(events(script)[0]).toContain('{\\move(42,42,72,82,3,4)\\fscx15.6\\fscy15.6\\p1}');
    expect(events(script)[1]).toContain('{\\move(122,132,162,142,4,54)\\fscx5.6\\fscy5.6\\p1}');
  });

  it('counts in the pixels of a whole number of mask samples, so that nothing is stretched', () => {
    expect(maskSize({ width: 642, height: 358 })).toEqual({ width: 161, height: 90 });
    const script = maskScript(plan([]), { width: 642, height: 358 });
    expect(script).toContain('PlayResX: 644\nPlayResY: 360');
  });

  it('draws a polygon from its own corner, where libass would put it, with a border instead of a larger box', () => {
    const outline = [
      [200, 500],
      [700, 500],
      [700, 900],
    ] as const;
    const keyframes = [0, 1000].map((atMs) => ({ atMs, x: 100, y: 50, width: 80, height: 60 }));
    const script = maskScript(
      { v: 1, mutes: [], regions: [{ shape: 'polygon', outline, keyframes, reason: 'x' }] },
      { width: 640, height: 360 },
    );
    expect(events(script)[0]).toMatch(/\{\\pos\(116,80\)\\bord10\\fscx8\\fscy6\\p1\}m 0 0 l 500 0 500 400$/);
  });

  it('makes one mask for each style in use, whatever the number of regions, and solid ones last', () => {
    const region = plan([0, 1000].map((atMs) => ({ atMs, x: 10, y: 10, width: 20, height: 20 }))).regions[0];
    if (region === undefined) throw new Error('The plan has a region.');
    const styles = [undefined, 'blur', 'mosaic', 'solid', 'blur'] as const;
    const regions = styles.map((style) => (style === undefined ? region : { ...region, style }));
    const masks = redactionMasks({ v: 1, mutes: [], regions }, { width: 640, height: 360 }, 'mask.ass');
    expect(masks.map(({ style, name, script }) => [style, name, events(script).length])).toEqual([
      ['mosaic', 'mosaic-mask.ass', 1],
      ['blur', 'blur-mask.ass', 2],
      ['solid', 'mask.ass', 2],
    ]);
  });

  it('carries no words of the plan', () => {
    const at = { x: 1, y: 1, width: 2, height: 2 };
    const script = maskScript(plan([0, 1].map((atMs) => ({ atMs, ...at }))), { width: 640, height: 360 });
    expect(script).not.toContain('bystander');
  });
});
