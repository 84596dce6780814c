import { probe } from '../probe.js';
import { boxAt, checkPlan, type RedactionRegion } from '../redaction-plan.js';
import { ClipFolder } from '../testing/clip-folder.js';
import { squareAt, synthesiseMovingSquare, type MovingSquare } from '../testing/moving-square.js';
import { trackBox, type Track } from './tracking.js';

describe('following a box that a person drew', () => {
  const folder = new ClipFolder();
  afterAll(() => folder.remove());

  const clip = async (name: string, rest: Partial<MovingSquare> = {}): Promise<MovingSquare> => {
    const made = { out: folder.at(name), seconds: 4, ...rest };
    await synthesiseMovingSquare(folder.tools.ffmpeg, made);
    return made;
  };
  const follow = async (made: MovingSquare, fromMs: number, untilMs: number, signal?: AbortSignal): Promise<Track> => {
    const square = squareAt(made, fromMs);
    const box = { x: Math.round(square.x), y: Math.round(square.y), width: square.width, height: square.height };
    const asked = {
      span: { file: made.out, startsAtMs: 0 },
      probe: await probe(folder.tools, made.out),
      box,
      atMs: fromMs,
      untilMs,
    };
    return trackBox(folder.tools, signal === undefined ? asked : { ...asked, signal });
  };
  const regionOf = (track: Track): RedactionRegion => ({ shape: 'rectangle', keyframes: track.keyframes, reason: 'bystander' });

  it('keeps within four pixels of a square that moves over a noisy, moving background for three seconds, and covers it', async () => {
    const made = await clip('steady.mp4');
    const track = await follow(made, 500, 3500);
    expect(track.lost).toBeNull();
    expect(track.confidence).toBeGreaterThan(0.6);
    expect(track.keyframes.length).toBeLessThan(30);
    for (let atMs = 500; atMs <= 3500; atMs += 1000 / 30) {
      const at = boxAt(regionOf(track), Math.round(atMs));
      const true_ = squareAt(made, atMs);
      if (at === null) throw new Error(`nothing at ${atMs} ms`);
      expect(Math.abs(at.x + at.width / 2 - true_.x - true_.width / 2)).toBeLessThanOrEqual(4);
      expect(Math.abs(at.y + at.height / 2 - true_.y - true_.height / 2)).toBeLessThanOrEqual(4);
      expect(at.x).toBeLessThanOrEqual(true_.x + 1);
      expect(at.y).toBeLessThanOrEqual(true_.y + 1);
      expect(at.x + at.width).toBeGreaterThanOrEqual(true_.x + true_.width - 1);
      expect(at.y + at.height).toBeGreaterThanOrEqual(true_.y + true_.height - 1);
    }
  }, 60_000);

  it('gives keyframes that a plan accepts', async () => {
    const made = await clip('plan.mp4', { seconds: 2 });
    const track = await follow(made, 0, 2000);
    const plan = { v: 1, regions: [regionOf(track)], mutes: [] } as const;
    expect(checkPlan(plan, await probe(folder.tools, made.out))).toEqual([]);
    expect(track.keyframes.at(-1)?.atMs).toBe(2000);
  }, 60_000);

  it('says that it lost the square when it leaves the picture, about when it does', async () => {
    const made = await clip('leaving.mp4', { speed: 120 });
    const track = await follow(made, 0, 3800);
    // Half outside at (320 - 24 - 24) / 120 s.
    expect(track.lost?.why).toBe('left-the-picture');
    expect(track.lost?.atMs).toBeGreaterThan(2000);
    expect(track.lost?.atMs).toBeLessThan(2700);
  }, 60_000);

  it('says that it lost the square when it is suddenly gone, and covers nothing after', async () => {
    const made = await clip('vanishing.mp4', { untilSeconds: 1.5 });
    const track = await follow(made, 0, 3000);
    expect(track.lost?.why).toBe('not-recognised');
    expect(track.lost?.atMs).toBeGreaterThanOrEqual(1490);
    expect(track.lost?.atMs).toBeLessThan(1700);
    expect(track.keyframes.at(-1)?.atMs).toBeLessThan(1700);
  }, 60_000);

  it('refuses a box or a time that does not fit, saying everything that is wrong', async () => {
    const made = await clip('small.mp4', { seconds: 1 });
    const probed = await probe(folder.tools, made.out);
    const ask = (change: object): Promise<Track> =>
      trackBox(folder.tools, {
        span: { file: made.out, startsAtMs: 0 },
        probe: probed,
        box: { x: 10, y: 10, width: 40, height: 40 },
        atMs: 0,
        untilMs: 500,
        ...change,
      });
    await expect(ask({ box: { x: 300, y: 10, width: 40, height: 40 } })).rejects.toThrow('outside the picture of 320×180');
    await expect(ask({ box: { x: 10, y: 10, width: 0, height: 40 } })).rejects.toThrow('cannot be followed');
    await expect(ask({ untilMs: 9000 })).rejects.toThrow('beyond the end of the recording');
    await expect(ask({ atMs: 500, untilMs: 500 })).rejects.toThrow('not after the beginning');
  }, 60_000);

  it('stops at once when it is told to, and leaves no process behind', async () => {
    const made = await clip('aborted.mp4', { seconds: 4 });
    const stop = new AbortController();
    const following = follow(made, 0, 3900, stop.signal);
    setImmediate(() => stop.abort());
    await expect(following).rejects.toMatchObject({ code: 'aborted' });
    expect(await folder.processes()).toEqual([]);
  }, 60_000);
});
