import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { withCaptions } from '../../../test/media/captions.js';
import type { Probe } from './ffprobe-report.js';
import { probe } from './probe.js';
import { redactedSize, redactionArguments } from './redaction-arguments.js';
import { checkRedaction } from './redaction-check.js';
import { redactionMasks } from './redaction-mask.js';
import type { Keyframe, OutlinePoint, RedactionMute, RedactionPlan, RedactionRegion } from './redaction-plan.js';
import { ClipFolder } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const FRAME_MS = 34;
const ffmpeg = (...options: string[]): void =>
  void execFileSync('ffmpeg', ['-v', 'error', '-y', ...options], { cwd: folder.path });

let source: string;
let found: Probe;
beforeAll(async () => {
  source = folder.at('source.mp4');
  // Detail everywhere, so that nothing is covered by chance; loud on both channels, which would cancel out if they were mixed.
  const picture = 'testsrc2=s=320x180:r=30:d=1.5,noise=alls=60:allf=t:all_seed=7';
  const sound = 'anoisesrc=d=1.5:a=0.8:seed=3:r=48000,pan=stereo|c0=c0|c1=-1*c0';
  ffmpeg(
    ...['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', source],
  );
  found = await probe(folder.tools, source);
});

const box = (atMs: number, x: number, y: number, width: number, height: number): Keyframe => ({ atMs, x, y, width, height });
const STAR: readonly OutlinePoint[] = [
  [500, 0],
  [640, 350],
  [1000, 400],
  [700, 650],
  [800, 1000],
  [500, 780],
  [200, 1000],
  [300, 650],
  [0, 400],
  [360, 350],
];

/** A region of this shape; times, place and size are such that the mask's own grain helps no mistake. */
function region(
  shape: RedactionRegion['shape'],
  style: RedactionRegion['style'] = 'solid',
  grown = 0,
  laterMs = 0,
): RedactionRegion {
  const at = (atMs: number, x: number, y: number, width: number, height: number): Keyframe =>
    box(atMs + laterMs, x - grown, y - grown, width + 2 * grown, height + 2 * grown);
  return {
    shape,
    style,
    reason: 'bystander',
    keyframes: [at(200, 62, 42, 92, 84), at(700, 130, 50, 92, 84), at(1200, 190, 46, 100, 100)],
    ...(shape === 'polygon' ? { outline: STAR } : {}),
  };
}

const planOf = (...regions: RedactionRegion[]): RedactionPlan => ({ v: 1, regions, mutes: [] });
const muted = (fill: RedactionMute['fill'], fromMs: number, toMs: number): RedactionPlan => ({
  v: 1,
  regions: [],
  mutes: [{ fromMs, toMs, reason: 'name', ...(fill === undefined ? {} : { fill }) }],
});

/** Renders one plan and has the result checked against another, as if the rendering had gone wrong in just that way. */
async function checkedAgainst(
  asked: RedactionPlan,
  rendered: RedactionPlan,
  change = (file: string): string => file,
): Promise<readonly string[]> {
  for (const { name, script } of redactionMasks(rendered, redactedSize(found), 'mask.ass'))
    await writeFile(folder.at(name), script);
  const { options, to } = redactionArguments(found, rendered, { mask: 'mask.ass', out: 'rendered.mp4' });
  ffmpeg('-i', source, ...options, to as string);
  const out = change(folder.at('rendered.mp4'));
  return checkRedaction(folder.tools, { source, out, probe: found, plan: asked });
}

describe('a redaction', () => {
  it.each(['solid', 'mosaic', 'blur'] as const)('covers moving rectangles, ellipses and polygons with a %s', async (style) => {
    const plan = planOf(region('rectangle', style), region('ellipse', style), region('polygon', style));
    expect(await checkedAgainst(plan, plan)).toEqual([]);
  });

  it('lays solid over blur over mosaic where regions of all styles overlap', async () => {
    const small = { ...region('ellipse'), keyframes: [box(0, 100, 60, 50, 40), box(1400, 180, 70, 40, 50)] };
    const plan = planOf(small, region('rectangle', 'blur'), {
      ...region('polygon', 'mosaic'),
      keyframes: [box(0, 10, 10, 280, 160), box(1400, 30, 10, 280, 160)],
    });
    expect(await checkedAgainst(plan, plan)).toEqual([]);
  });

  it('covers thin and tiny shapes', async () => {
    const keyframes = [box(0, 10, 90, 300, 2), box(700, 150, 4, 2, 170), box(1400, 20, 20, 1, 1)];
    const plan = planOf(
      { ...region('ellipse'), keyframes },
      { ...region('polygon'), keyframes },
      { ...region('rectangle'), keyframes },
    );
    expect(await checkedAgainst(plan, plan)).toEqual([]);
  });

  it('replaces sound by silence and by a tone, also where the sound begins and ends', async () => {
    const mutes: RedactionMute[] = [
      { fromMs: 0, toMs: 300, reason: 'name', fill: 'tone' },
      { fromMs: 600, toMs: 800, reason: 'name' },
      { fromMs: 1100, toMs: 1300, reason: 'name', fill: 'tone' },
      { fromMs: 1250, toMs: found.durationMs, reason: 'name', fill: 'tone' },
    ];
    const plan = { ...muted('tone', 0, 300), mutes };
    expect(await checkedAgainst(plan, plan)).toEqual([]);
  });

  it('keeps of a clip what begins within it, counted from its start', async () => {
    const mutes: RedactionMute[] = [
      { fromMs: 0, toMs: 500, reason: 'name', fill: 'tone' },
      { fromMs: 800, toMs: 1400, reason: 'name' },
    ];
    const plan: RedactionPlan = {
      ...planOf(region('ellipse'), region('rectangle', 'mosaic')),
      mutes,
      clip: { fromMs: 333, toMs: 1000 },
    };
    expect(await checkedAgainst(plan, plan)).toEqual([]);
    const out = await probe(folder.tools, folder.at('rendered.mp4'));
    // Frames at 333.3 (the tenth after the first) to 966.7 ms; the one at 1,000 ms is no longer within.
    expect(out).toMatchObject({ durationMs: 667, video: { frames: 20 } });
  });
});

describe('checkRedaction is not blind to', () => {
  const frameAndPlace =
    /^Region \d (is not covered|shows more than its \w+ may) in \d+ frames, first in frame \d+ at \d\.\d{3} s: \d+ pixels around \(\d+, \d+\)\.$/;

  it.each(['rectangle', 'ellipse', 'polygon'] as const)('a %s that comes one frame late', async (shape) => {
    const faults = await checkedAgainst(planOf(region(shape)), planOf(region(shape, 'solid', 0, FRAME_MS)));
    expect(faults).toEqual([expect.stringMatching(frameAndPlace)]);
    expect(faults[0]).toContain('first in frame 6 at 0.200 s');
  });

  it.each([
    ['rectangle', 8],
    ['ellipse', 10],
    ['polygon', 10],
  ] as const)('a %s drawn two pixels too small', async (shape, margin) => {
    const faults = await checkedAgainst(planOf(region(shape)), planOf(region(shape, 'solid', -margin - 2)));
    expect(faults).toEqual([expect.stringMatching(frameAndPlace)]);
  });

  it('one region forgotten, and it says which', async () => {
    const second = { ...region('ellipse'), keyframes: [box(300, 10, 20, 40, 30), box(1300, 10, 120, 40, 30)] };
    const faults = await checkedAgainst(planOf(region('rectangle'), second), planOf(region('rectangle')));
    expect(faults).toEqual([
      expect.stringMatching(
        /^Region 2 is not covered in 31 frames, first in frame 9 at 0.300 s: \d+ pixels around \(\d+, \d+\)\.$/,
      ),
    ]);
    const [x, y] = (/\((\d+), (\d+)\)/.exec(faults[0] ?? '') ?? []).slice(1).map(Number);
    expect(Math.hypot((x ?? 0) - 30, (y ?? 0) - 35)).toBeLessThan(6);
  });

  it.each([
    ['a mosaic', 'mosaic', 'solid', 'is not covered'],
    ['a blur', 'blur', 'solid', 'is not covered'],
    ['a blur', 'blur', 'mosaic', 'shows more than its mosaic may'],
  ] as const)('%s where the plan has another style', async (_what, rendered, asked, words) => {
    const faults = await checkedAgainst(planOf(region('ellipse', asked)), planOf(region('ellipse', rendered)));
    expect(faults).toEqual([expect.stringContaining(words)]);
    expect(faults[0]).toMatch(frameAndPlace);
  });

  it.each(['mosaic', 'blur'] as const)('a forgotten %s', async (style) => {
    const elsewhere = { ...region('rectangle', style), keyframes: [box(0, 0, 0, 30, 30), box(1400, 0, 0, 30, 30)] };
    const faults = await checkedAgainst(planOf(elsewhere, region('polygon', style)), planOf(elsewhere));
    expect(faults).toEqual([
      expect.stringContaining(`Region 2 shows more than its ${style} may in 31 frames, first in frame 6 at 0.200 s`),
    ]);
  });

  it.each([
    ['silence', 'is not silent'],
    ['tone', 'holds more than its tone'],
  ] as const)('a %s that is ten milliseconds short at either end', async (fill, words) => {
    // The mute's margin makes up for 50 ms.
    const asked = muted(fill, 500, 900);
    expect(await checkedAgainst(asked, muted(fill, 560, 900))).toContainEqual(expect.stringContaining(words));
    expect(await checkedAgainst(asked, muted(fill, 500, 840))).toContainEqual(expect.stringContaining(words));
  });

  it('a tone over speech that was not silenced, and a silence in place of a tone', async () => {
    const asked = muted('tone', 500, 900);
    expect(await checkedAgainst(asked, muted('silence', 500, 900))).toEqual([
      'Mute 1 (500 to 900 ms) does not hold its tone throughout.',
    ]);
    const mixed = (file: string): string => {
      const out = folder.at('mixed.mp4');
      const graph = '[1:a]volume=0.02[faint];[0:a][faint]amix=normalize=0[a]';
      const bare = ['-fflags', '+bitexact', '-flags', '+bitexact', '-map_metadata', '-1', '-movie_timescale', '90000'];
      ffmpeg(
        '-i',
        file,
        '-i',
        source,
        '-filter_complex',
        graph,
        '-map',
        '0:v',
        '-map',
        '[a]',
        '-c:v',
        'copy',
        '-c:a',
        'aac',
        ...bare,
        out,
      );
      return out;
    };
    expect(await checkedAgainst(asked, asked, mixed)).toEqual([
      expect.stringMatching(/^Mute 1 \(500 to 900 ms\) holds more than its tone: -\d\d\.\d dB beside it\.$/),
    ]);
  });

  it('captions among the last pictures, which no header tells of', async () => {
    const plan = planOf(region('rectangle'));
    await checkedAgainst(plan, plan);
    ffmpeg('-i', 'rendered.mp4', '-map', '0:v', '-c', 'copy', '-f', 'h264', 'plain.h264');
    const plain = await readFile(folder.at('plain.h264'));
    const late = plain.indexOf(Buffer.from([0, 0, 0, 1]), plain.length * 0.9);
    await writeFile(
      folder.at('captions.h264'),
      Buffer.concat([plain.subarray(0, late), withCaptions(plain.subarray(late), 'Jane Roe')]),
    );
    const bare = ['-c', 'copy', '-fflags', '+bitexact', '-map_metadata', '-1', '-movie_timescale', '90000'];
    ffmpeg(
      ...['-framerate', '30', '-i', 'captions.h264', '-i', 'rendered.mp4', '-map', '0:v', '-map', '1:a', ...bare, 'captions.mp4'],
    );
    const out = folder.at('captions.mp4');
    expect(await checkRedaction(folder.tools, { source, out, probe: found, plan })).toContain(
      'The pictures carry more than a picture: ATSC A53 Part 4 Closed Captions.',
    );
  });

  it('a frame from before or after the clip', async () => {
    const plan = (fromMs: number, toMs: number): RedactionPlan => ({ ...planOf(region('rectangle')), clip: { fromMs, toMs } });
    const after = await checkedAgainst(plan(400, 1000), plan(400, 1001));
    expect(after).toContain('The source has 18 frames to show and the redaction 19.');
    const before = await checkedAgainst(plan(400, 1000), plan(400 - FRAME_MS, 1000));
    expect(before).toContain('The source has 18 frames to show and the redaction 19.');
  });

  it('a frame after the clip that an edit list hides, and sound as well', async () => {
    const plan = (toMs: number): RedactionPlan => ({ ...planOf(region('rectangle')), clip: { fromMs: 0, toMs } });
    const asked = plan(1000);
    await checkedAgainst(asked, plan(1300));
    const file = await readFile(folder.at('rendered.mp4'));
    for (let at = file.indexOf('elst'); at !== -1; at = file.indexOf('elst', at + 1)) {
      // The length of the first edit (ISO/IEC 14496-12 §8.6.6), in 1/90,000 s: 1.3 s become 1.
      expect(file.readUInt32BE(at + 12)).toBe(117_000);
      file.writeUInt32BE(90_000, at + 12);
    }
    await writeFile(folder.at('hidden.mp4'), file);
    const faults = await checkRedaction(folder.tools, { source, out: folder.at('hidden.mp4'), probe: found, plan: asked });
    expect(faults).toEqual([
      'The file holds 39 pictures, of which 30 are shown.',
      expect.stringMatching(/^The file holds \d+ ms of sound that is not heard\.$/),
    ]);
  });
});
