import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { renderPreview, type Preview } from './preview.js';
import { probe } from './probe.js';
import type { RedactionPlan, RedactionRegion } from './redaction-plan.js';
import { ClipFolder } from './testing/clip-folder.js';

const still = { x: 40, y: 40, width: 80, height: 60 };
const region = (shape: RedactionRegion['shape']): RedactionRegion => ({
  shape,
  ...(shape === 'polygon' ? { outline: [[0, 0] as const, [1000, 0] as const, [500, 1000] as const] } : {}),
  keyframes: [
    { atMs: 0, ...still },
    { atMs: 1000, ...still },
    { atMs: 2000, ...still, x: 200 },
  ],
  reason: 'bystander',
});
const planOf = (...regions: RedactionRegion[]): RedactionPlan => ({ v: 1, regions, mutes: [] });

describe('a preview of a plan', () => {
  const folder = new ClipFolder();
  let clip: string;
  beforeAll(async () => {
    clip = await folder.clip('clip.mp4', { seconds: 3 });
  }, 60_000);
  afterAll(() => folder.remove());

  const preview = async (
    of: { atMs: number } | { fromMs: number; toMs: number },
    rest: { plan?: RedactionPlan; outline?: boolean; startsAtMs?: number; signal?: AbortSignal } = {},
  ): Promise<Preview> => {
    const { plan = planOf(region('rectangle')), outline = false, startsAtMs = 0, signal } = rest;
    const input = { span: { file: clip, startsAtMs }, probe: await probe(folder.tools, clip), plan, of, outline };
    return renderPreview(folder.tools, signal === undefined ? input : { ...input, signal });
  };
  /** Brightness of every pixel of a preview's first picture. */
  const grey = async ({ bytes }: Preview): Promise<(x: number, y: number) => number> => {
    const [picture, out] = [folder.at('picture'), folder.at('grey.raw')];
    await writeFile(picture, bytes);
    const options = ['-y', '-loglevel', 'error', '-i', picture, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', out];
    await promisify(execFile)(folder.tools.ffmpeg, options);
    const pixels = await readFile(out);
    return (x, y) => pixels[y * 320 + x] ?? NaN;
  };
  it('covers a region on a still, and nothing beside it', async () => {
    const made = await preview({ atMs: 500 });
    expect(made.contentType).toBe('image/jpeg');
    const at = await grey(made);
    for (const [x, y] of [
      [41, 41],
      [80, 70],
      [119, 99],
    ] as const)
      expect(at(x, y)).toBeLessThan(24);
    const bare = await grey(await preview({ atMs: 500 }, { plan: { ...planOf(), clip: { fromMs: 0, toMs: 2000 } } }));
    for (const [x, y] of [
      [10, 10],
      [300, 200],
      [160, 120],
    ] as const)
      expect(Math.abs(at(x, y) - bare(x, y))).toBeLessThan(12);
  }, 30_000);

  it('follows the keyframes in the time of the recording, wherever the span begins', async () => {
    const first = await grey(await preview({ atMs: 2000 }));
    expect(first(240, 70)).toBeLessThan(24);
    // The same pictures, said to be shown a second later.
    const later = await grey(await preview({ atMs: 2000 }, { startsAtMs: 1000 }));
    expect(later(240, 70)).toBeLessThan(24);
  }, 30_000);

  it.each(['ellipse', 'polygon'] as const)(
    'draws the shape of a region: %s',
    async (shape) => {
      const at = await grey(await preview({ atMs: 500 }, { plan: planOf(region(shape)) }));
      const bare = await grey(await preview({ atMs: 500 }, { plan: { ...planOf(), clip: { fromMs: 0, toMs: 2000 } } }));
      expect(at(80, 60)).toBeLessThan(24);
      // A corner of the box that the shape leaves free.
      expect(Math.abs(at(41, 98) - bare(41, 98))).toBeLessThan(12);
    },
    30_000,
  );

  it('shows where a region lies, and what is under it, when asked for the outline', async () => {
    const [outlined, covered] = [await preview({ atMs: 500 }, { outline: true }), await preview({ atMs: 500 })];
    const [at, under] = [await grey(outlined), await grey(covered)];
    const bare = await grey(await preview({ atMs: 500 }, { plan: { ...planOf(), clip: { fromMs: 0, toMs: 2000 } } }));
    expect(Math.abs(at(80, 70) - bare(80, 70))).toBeLessThan(12);
    expect(under(80, 70)).toBeLessThan(24);
    // Eight pixels outside the region runs the edge of what will be covered.
    const edge = [28, 29, 30, 31, 32, 33, 34].map((x) => at(x, 70));
    expect(Math.max(...edge)).toBeGreaterThan(150);
  }, 30_000);

  it('shows a span as a film of as many pictures, without sound or anything else', async () => {
    const made = await preview({ fromMs: 500, toMs: 1500 });
    expect(made.contentType).toBe('video/mp4');
    await writeFile(folder.at('span.mp4'), made.bytes);
    const probed = await probe(folder.tools, folder.at('span.mp4'));
    expect(probed.audio).toBeNull();
    expect(probed.durationMs).toBeGreaterThan(950);
    expect(probed.durationMs).toBeLessThan(1050);
    expect((await grey(made))(80, 70)).toBeLessThan(24);
  }, 30_000);

  it('shows the very last picture, and says so when there is none', async () => {
    const { durationMs } = await probe(folder.tools, clip);
    expect((await preview({ atMs: durationMs })).bytes.length).toBeGreaterThan(500);
    await expect(preview({ atMs: 2900 }, { startsAtMs: 60_000 })).rejects.toThrow('no picture there');
  }, 30_000);

  it('refuses a plan that does not fit the recording', async () => {
    const wrong = planOf({
      ...region('rectangle'),
      keyframes: [
        { atMs: 0, ...still },
        { atMs: 9000, ...still },
      ],
    });
    await expect(preview({ atMs: 0 }, { plan: wrong })).rejects.toMatchObject({ code: 'invalid-plan' });
  });

  it('ends its process when nobody waits any more', async () => {
    const gone = new AbortController();
    const drawing = preview({ fromMs: 0, toMs: 3000 }, { signal: gone.signal });
    setImmediate(() => gone.abort());
    await expect(drawing).rejects.toMatchObject({ code: 'aborted' });
    expect(await folder.processes()).toEqual([]);
  }, 30_000);
});
