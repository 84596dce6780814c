import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkRedaction, probe, renderRedaction, transcodeForPlayback } from '#media';
import type { Keyframe, MediaTools, Probe, RedactionPlan, RedactionRegion } from '#media';
import { FFMPEG, FFPROBE } from './clip-making.js';
import { clip, CLIPS, PLANTED } from './clip-matrix.js';

// Some fifty clips through encoding and decoding, on a machine that may be busy with other things.
import.meta.jest.setTimeout(300_000);

const run = promisify(execFile);
const path = mkdtempSync(join(tmpdir(), 'custodiet-redactions-'));
const tools: MediaTools = { ffmpeg: FFMPEG, ffprobe: FFPROBE, scratch: path, timeLimitSeconds: 240 };
afterAll(() => rmSync(path, { recursive: true, force: true }));

const SHAPES = ['rectangle', 'ellipse', 'polygon'] as const;
const STYLES = ['solid', 'solid', 'solid', 'mosaic', 'blur'] as const;
const box = (atMs: number, x: number, y: number, width: number, height: number): Keyframe => ({ atMs, x, y, width, height });

/** A moving region and, where there is sound, a mute; every clip gets another mixture of shape, style, fill and clip. */
function planFor(found: Probe, index: number): RedactionPlan {
  const shape = SHAPES[index % SHAPES.length] ?? 'rectangle';
  const region: RedactionRegion = {
    shape,
    style: STYLES[index % STYLES.length] ?? 'solid',
    reason: 'bystander',
    keyframes: [box(100, 10, 20, 90, 80), box(1000, 60, 90, 70, 70), box(1700, 80, 70, 95, 60)],
    ...(shape === 'polygon'
      ? {
          outline: [
            [500, 0],
            [1000, 600],
            [600, 500],
            [200, 1000],
          ],
        }
      : {}),
  };
  return {
    v: 1,
    regions: [region],
    mutes: found.audio === null ? [] : [{ fromMs: 400, toMs: 900, reason: 'name', fill: index % 2 === 0 ? 'silence' : 'tone' }],
    // Ends on a frame and between frames.
    ...(index % 4 === 0 ? { clip: { fromMs: 200, toMs: index % 8 === 0 ? 1000 : 1350 } } : {}),
  };
}

describe('every kind of recording', () => {
  it('is there, at least 24 of them', () => {
    expect(CLIPS.length).toBeGreaterThanOrEqual(24);
  });

  it.each(CLIPS.map((one, index) => [one.name, one, index] as const))(
    '%s is redacted, and the leak check finds nothing',
    async (name, { expect: facts }, index) => {
      const source = await clip(name);
      const found = await probe(tools, source);
      const plan = planFor(found, index);
      const out = join(path, `${name}.mp4`);
      await renderRedaction(tools, { file: source, probe: found, plan, out });
      expect(await checkRedaction(tools, { source, out, probe: found, plan })).toEqual([]);
      const made = await probe(tools, out);
      if (plan.clip === undefined) expect(made.video.frames).toBe(facts.frames);
      expect(made).toMatchObject({
        video: { codec: 'h264', rotation: 0, pixelFormat: 'yuv420p' },
        audio: facts.audio.length === 0 ? null : { codec: 'aac' },
      });
      const bytes = await readFile(out);
      const words = Object.values(PLANTED).flatMap((word) => [word, ...word.split(' ').filter((part) => part.length > 3)]);
      for (const word of words)
        expect([word, bytes.includes(word), bytes.includes(Buffer.from(word, 'utf16le'))]).toEqual([word, false, false]);
    },
  );
});

describe('a QR code under a moving region', () => {
  // Every frame of every output is looked at; a minute of video is for a run by hand: CUSTODIET_QR_SECONDS=60.
  const seconds = Number(process.env['CUSTODIET_QR_SECONDS'] ?? 6);
  const SIDE = 96;
  const SECRET = 'https://example.org/juvenile/4711';
  const source = join(path, 'qr.mp4');
  /** The code goes to and fro across the whole picture: a straight line each half turn, with its keyframes at the turning points. */
  const TURN_MS = 1500;
  const from = { x: 8, y: 12 };
  const to = { x: 216, y: 72 };

  async function decodableFrames(name: string, pictures: readonly string[]): Promise<number> {
    const frames = join(path, `frames-${name}`);
    await mkdir(frames);
    for (const [index, picture] of pictures.entries()) {
      const hls = picture.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : [];
      await run('ffmpeg', ['-v', 'error', ...hls, '-i', picture, '-fps_mode', 'passthrough', join(frames, `${index}-%05d.png`)]);
    }
    const files = (await readdir(frames)).map((file) => join(frames, file));
    expect(files.length).toBeGreaterThan(0);
    // Exit code 4: no code in any of them.
    const seen = await run('zbarimg', ['--raw', '-q', '-Sdisable', '-Sqrcode.enable', ...files], { maxBuffer: 1 << 26 }).catch(
      (error: unknown) => {
        const { code, stdout } = error as { code: unknown; stdout: string };
        if (code !== 4) throw error;
        return { stdout };
      },
    );
    rmSync(frames, { recursive: true });
    return seen.stdout.split('\n').filter((line) => line === SECRET).length;
  }

  async function makeSource(): Promise<void> {
    const code = join(path, 'qr.png');
    await run('qrencode', ['-o', code, '-s', '3', '-m', '3', '-l', 'M', SECRET]);
    const part = `(1-abs(mod(t,${(2 * TURN_MS) / 1000})/${TURN_MS / 1000}-1))`;
    const at = (axis: 'x' | 'y'): string => `${axis}='${from[axis]}+${to[axis] - from[axis]}*${part}'`;
    const graph = `[1:v]scale=${SIDE}:${SIDE}:flags=neighbor[qr];[0:v][qr]overlay=${at('x')}:${at('y')}:eval=frame:shortest=1,format=yuv420p`;
    await run('ffmpeg', [
      ...[
        '-v',
        'error',
        '-y',
        '-f',
        'lavfi',
        '-i',
        `testsrc2=s=320x180:r=15:d=${seconds}`,
        '-loop',
        '1',
        '-framerate',
        '15',
        '-i',
        code,
      ],
      ...['-filter_complex', graph, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20', '-t', String(seconds), source],
    ]);
  }

  beforeAll(makeSource);

  it('can be read in the recording', async () => {
    expect(await decodableFrames('source', [source])).toBeGreaterThan(seconds * 15 * 0.9);
  });

  it.each(['solid', 'mosaic'] as const)('can be read in no frame of anything made of its redaction (%s)', async (style) => {
    const found = await probe(tools, source);
    const keyframes: Keyframe[] = [];
    for (let atMs = 0, turns = 0; atMs < found.durationMs; atMs += TURN_MS, turns += 1) {
      const { x, y } = turns % 2 === 0 ? from : to;
      keyframes.push(box(atMs, x, y, SIDE, SIDE));
    }
    const [last, before] = [keyframes.at(-1), keyframes.at(-2)];
    if (last === undefined || before === undefined) throw new Error('The recording is shorter than a turn.');
    // To the end of the recording, on the way to the next turning point.
    const rest = (found.durationMs - last.atMs) / TURN_MS;
    const towards = (a: number, b: number): number => Math.round(a + (b - a) * rest);
    if (rest > 0) keyframes.push(box(found.durationMs, towards(last.x, before.x), towards(last.y, before.y), SIDE, SIDE));
    const plan: RedactionPlan = { v: 1, regions: [{ shape: 'rectangle', style, keyframes, reason: 'juvenile' }], mutes: [] };
    const out = join(path, `qr-${style}.mp4`);
    await renderRedaction(tools, { file: source, probe: found, plan, out });
    expect(await checkRedaction(tools, { source, out, probe: found, plan })).toEqual([]);
    expect(await decodableFrames(style, [out])).toBe(0);
    if (style !== 'solid') return;
    const outDir = join(path, 'renditions');
    const made = await transcodeForPlayback(tools, { file: out, probe: await probe(tools, out), outDir });
    const rungs = made.filter(({ name }) => /^\d+p\.m3u8$/.test(name));
    const stills = made.filter(({ contentType }) => contentType.startsWith('image/'));
    expect([rungs.length > 0, stills.length > 1]).toEqual([true, true]);
    const pictures = [...rungs, ...stills];
    expect(
      await decodableFrames(
        'renditions',
        pictures.map((file) => file.path),
      ),
    ).toBe(0);
  });
});
