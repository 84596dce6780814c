import { execFileSync } from 'node:child_process';
import { appendFile, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { subjectAt } from '../../../test/clips/synthesise.js';
import type { Probe } from './ffprobe-report.js';
import { extractFrame } from './frame.js';
import { probe } from './probe.js';
import { checkRedaction } from './redaction-check.js';
import type { Keyframe, RedactionPlan } from './redaction-plan.js';
import { renderRedaction } from './redaction.js';
import { ClipFolder } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const box = (atMs: number, x: number, y: number, width = 60, height = 50): Keyframe => ({ atMs, x, y, width, height });
const covering = (...keyframes: Keyframe[]): RedactionPlan => ({
  v: 1,
  regions: [{ shape: 'rectangle', keyframes, reason: 'bystander' }],
  mutes: [],
});
const moving = covering(box(333, 20, 30), box(1000, 200, 100, 90, 33), box(1200, 40, 150, 31, 80), box(2707, 259, 189, 61, 51));
const plan: RedactionPlan = { ...moving, mutes: [{ fromMs: 1100, toMs: 1900, reason: 'name of a minor' }] };

interface Rendered {
  readonly source: string;
  readonly out: string;
  readonly probe: Probe;
}

async function render(source: string, what: RedactionPlan, name = 'redacted.mp4'): Promise<Rendered> {
  const out = folder.at(name);
  const found = await probe(folder.tools, source);
  await renderRedaction(folder.tools, { file: source, probe: found, plan: what, out });
  return { source, out, probe: found };
}

const check = (rendered: Rendered, what: RedactionPlan): Promise<readonly string[]> =>
  checkRedaction(folder.tools, { ...rendered, plan: what });
const ffmpeg = (...options: string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });

describe('renderRedaction and checkRedaction', () => {
  it('covers a moving and growing box and silences a span, and the check finds nothing', async () => {
    const rendered = await render(await folder.clip('a.mp4'), plan);
    expect(await check(rendered, plan)).toEqual([]);
    expect(await probe(folder.tools, rendered.out)).toMatchObject({
      video: { codec: 'h264', width: 320, height: 240, frames: 90, frameRate: '30/1' },
      audio: { codec: 'aac', sampleRate: 48000 },
    });
  });

  it('covers a box that leaps across the picture within a millisecond, whatever fraction of it a picture comes at', async () => {
    const [here, there] = [
      [0, 0],
      [270, 190],
    ] as const;
    const leaps = [33, 34, 66, 67, 100, 101, 533, 534];
    const places = leaps.map((_, index) => ([1, 2, 5, 6].includes(index) ? there : here));
    const leaping = covering(...leaps.map((atMs, index) => box(atMs, ...(places[index] as readonly [number, number]), 40, 40)));
    ffmpeg(...['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=30000/1001:d=1', '-c:v', 'libx264'], folder.at('ntsc.mp4'));
    expect(await check(await render(folder.at('ntsc.mp4'), leaping), leaping)).toEqual([]);
  });

  it('refuses a recording that goes on after the end it states, and renders a clip of it', async () => {
    ffmpeg(...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=2', '-c:v', 'libx264'], folder.at('whole.mkv'));
    const bytes = await readFile(folder.at('whole.mkv'));
    // Matroska's Duration: its name, a length of eight, a number of milliseconds.
    bytes.writeDoubleBE(1000, bytes.indexOf(Buffer.from([0x44, 0x89, 0x88])) + 3);
    await writeFile(folder.at('shortened.mkv'), bytes);
    const all = covering(box(0, 0, 0, 160, 120), box(1000, 0, 0, 160, 120));
    await expect(render(folder.at('shortened.mkv'), all, 'never.mp4')).rejects.toMatchObject({
      code: 'invalid-plan',
      message: expect.stringMatching(/^The recording states a length of 1000 ms but goes on until 1900 ms/) as string,
    });
    expect(await readdir(folder.path)).not.toContain('never.mp4');
    ffmpeg(
      ...[
        '-i',
        folder.at('shortened.mkv'),
        '-f',
        'lavfi',
        '-i',
        'anoisesrc=d=2',
        '-t',
        '1',
        '-map',
        '0:v',
        folder.at('a-second.mp4'),
      ],
    );
    ffmpeg(
      ...['-i', folder.at('a-second.mp4'), '-f', 'lavfi', '-i', 'anoisesrc=d=1.3', '-c:v', 'copy', folder.at('longer-sound.mkv')],
    );
    const heard = await readFile(folder.at('longer-sound.mkv'));
    heard.writeDoubleBE(1000, heard.indexOf(Buffer.from([0x44, 0x89, 0x88])) + 3);
    await writeFile(folder.at('longer-sound.mkv'), heard);
    const muted = { ...all, mutes: [{ fromMs: 500, toMs: 1000, reason: 'name' }] };
    await expect(render(folder.at('longer-sound.mkv'), muted, 'never.mp4')).rejects.toMatchObject({ code: 'invalid-plan' });
    const clipped = { ...all, clip: { fromMs: 0, toMs: 1000 } };
    expect(await check(await render(folder.at('shortened.mkv'), clipped), clipped)).toEqual([]);
  });

  it('is caught by the check when box or mute are not where the plan has them', async () => {
    const rendered = await render(await folder.clip('a.mp4'), plan);
    const keyframes = plan.regions[0]?.keyframes ?? [];
    const sideways = covering(...keyframes.map((keyframe) => ({ ...keyframe, x: Math.max(0, keyframe.x - 20) })));
    expect(await check(rendered, sideways)).toEqual([
      expect.stringMatching(/^Region 1 is not covered in \d+ frames, first in frame \d+ at \d\.\d{3} s: \d+ pixels around/),
    ]);
    const later = covering(...keyframes.map((keyframe) => ({ ...keyframe, atMs: keyframe.atMs + 200 })));
    expect(await check(rendered, later)).toEqual([expect.stringContaining('Region 1 is not covered')]);
    const longer = { ...plan, mutes: [{ fromMs: 1100, toMs: 2200, reason: 'name' }] };
    expect(await check(rendered, longer)).toEqual([
      expect.stringMatching(/^Mute 1 \(1100 to 2200 ms\) is not silent: -\d+\.\d dB\.$/),
    ]);
  });

  it('keeps the sound and picture that the plan does not touch', async () => {
    const clip = { camera: 'BWC-1', out: '', seconds: 3, width: 320, height: 240 };
    const rendered = await render(await folder.clip('a.mp4'), { ...plan, regions: [] });
    const red = (file: string): number => {
      const at = subjectAt(clip, 1500);
      const picked = ffmpeg(
        '-ss',
        '1.5',
        '-i',
        file,
        '-frames:v',
        '1',
        '-vf',
        `crop=2:2:${at.x + 8}:${at.y + 8}`,
        '-pix_fmt',
        'rgb24',
        '-f',
        'rawvideo',
        '-',
      );
      return (picked[0] ?? 0) - (picked[1] ?? 0);
    };
    expect(red(rendered.source)).toBeGreaterThan(80);
    expect(Math.abs(red(rendered.out) - red(rendered.source))).toBeLessThan(12);
    const loudness = (file: string): number => {
      const sound = ffmpeg('-ss', '2.2', '-t', '0.5', '-i', file, '-map', '0:a', '-ac', '1', '-f', 's16le', '-');
      let sum = 0;
      for (let at = 0; at + 1 < sound.length; at += 2) sum += sound.readInt16LE(at) ** 2;
      return Math.sqrt((2 * sum) / sound.length);
    };
    expect(loudness(rendered.source)).toBeGreaterThan(500);
    expect(loudness(rendered.out) / loudness(rendered.source)).toBeCloseTo(1, 1);
  });

  it('leaves no word of title, place, chapters, handlers, time code or subtitles in any byte', async () => {
    const planted = 'SECRETWORD';
    await writeFile(folder.at('words.srt'), `1\n00:00:00,100 --> 00:00:02,000\n${planted} spoken\n`);
    await writeFile(
      folder.at('chapters.txt'),
      `;FFMETADATA1\ntitle=${planted}\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=${planted}\n`,
    );
    const clip = await folder.clip('plain.mp4', { camera: planted, location: '+40.7128-074.0060/' });
    const source = folder.at('planted.mov');
    ffmpeg(
      ...[
        '-i',
        clip,
        '-i',
        folder.at('words.srt'),
        '-i',
        folder.at('chapters.txt'),
        '-map',
        '0',
        '-map',
        '1',
        '-map_chapters',
        '2',
        '-map_metadata',
        '0',
      ],
      ...[
        '-c',
        'copy',
        '-c:s',
        'mov_text',
        '-timecode',
        '01:02:03:04',
        '-metadata:s:v',
        `handler_name=${planted}`,
        '-metadata:s:a',
        `handler_name=${planted}`,
      ],
      ...[
        '-metadata',
        `comment=${planted}`,
        '-bsf:v',
        `h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+${planted}`,
        source,
      ],
    );
    const before = await readFile(source);
    expect([before.includes(planted), before.includes('+40.7128'), before.includes('tmcd')]).toEqual([true, true, true]);
    const rendered = await render(source, plan);
    const after = await readFile(rendered.out);
    for (const word of [planted, '+40.7128', 'tmcd', 'chpl', 'x264 -', '2026-03-14', 'spoken'])
      expect([word, after.includes(word)]).toEqual([word, false]);
    expect(await check(rendered, plan)).toEqual([]);
  });

  it('gives the same bytes and parameters for the same plan, wherever it is rendered', async () => {
    const source = await folder.clip('a.mp4');
    const keyframes = [box(100, 30, 40, 80, 60), box(2500, 200, 120, 90, 70)];
    const [first, second] = [folder.at('here'), folder.at('there')];
    const plan: RedactionPlan = {
      v: 1,
      regions: (['solid', 'mosaic', 'blur'] as const).map((style) => ({
        shape: 'ellipse',
        style,
        keyframes,
        reason: 'bystander',
      })),
      mutes: [{ fromMs: 300, toMs: 900, fill: 'tone', reason: 'name' }],
      clip: { fromMs: 200, toMs: 2000 },
    };
    const render = async (path: string): Promise<{ bytes: Buffer; parameters: readonly string[] }> => {
      await mkdir(path);
      const file = join(path, 'source.mp4');
      await copyFile(source, file);
      const tools = { ...folder.tools, scratch: path };
      const out = join(path, 'redacted.mp4');
      const { parameters } = await renderRedaction(tools, { file, probe: await probe(tools, file), plan, out });
      return { bytes: await readFile(out), parameters };
    };
    const [one, other] = [await render(first), await render(second)];
    expect(one.bytes.equals(other.bytes)).toBe(true);
    expect(one.parameters).toEqual(other.parameters);
    expect(one.parameters.join(' ')).not.toContain(folder.path);
    expect(one.parameters.join(' ')).toContain('ass=blur-mask.ass');
  });

  it('keeps every frame and its time where the frame rate varies', async () => {
    for (const name of ['vfr.mp4', 'vfr.mkv'] as const) {
      const source = await folder.clip(name, { variableFrameRate: true, container: name === 'vfr.mkv' ? 'mkv' : 'mp4' });
      const rendered = await render(source, plan);
      expect(await check(rendered, plan)).toEqual([]);
      expect((await probe(folder.tools, rendered.out)).video.frames).toBeLessThan(75);
    }
  });

  it.each([
    ['a silent Matroska file', { container: 'mkv', audio: false }, moving],
    [
      'MPEG-4 with B-frames in AVI, which gives its last pictures no time',
      { container: 'avi', codec: 'mpeg4', bFrames: 2 },
      plan,
    ],
    ['the same without sound', { container: 'avi', codec: 'mpeg4', bFrames: 2, audio: false }, moving],
    ['motion JPEG of odd size in AVI', { container: 'avi', codec: 'mjpeg', width: 321, height: 243 }, plan],
    ['a transport stream, whose clock does not begin at zero', { container: 'ts' }, plan],
    ['HEVC', { codec: 'hevc' }, plan],
    ['a size that the mask does not divide', { width: 322, height: 242 }, plan],
  ] as const)('does the same for %s', async (_what, rest, what) => {
    const container = 'container' in rest ? rest.container : 'mp4';
    expect(await check(await render(await folder.clip(`other.${container}`, rest), what), what)).toEqual([]);
  });

  it('takes the plan’s pixels as the viewer sees them where the picture is stored on its side', async () => {
    const source = await folder.clip('upright.mp4');
    const bytes = await readFile(source);
    const header = bytes.indexOf('tkhd');
    // The matrix of ISO/IEC 14496-12 §8.3.2, 40 bytes after the name in version 0: a quarter turn clockwise.
    [0, 0x10000, 0, -0x10000, 0, 0, 240 << 16, 0].forEach((value, index) =>
      bytes.writeInt32BE(value, header + 4 + 40 + index * 4),
    );
    await writeFile(folder.at('turned.mp4'), bytes);
    const low = { ...covering(box(0, 170, 250, 70, 70), box(2900, 0, 200, 70, 70)), mutes: plan.mutes };
    const rendered = await render(folder.at('turned.mp4'), low);
    expect(rendered.probe.video).toMatchObject({ rotation: 90, width: 240, height: 320 });
    expect(await check(rendered, low)).toEqual([]);
    expect((await probe(folder.tools, rendered.out)).video).toMatchObject({ rotation: 0, width: 240, height: 320 });
  });

  it('keeps the distance where the picture begins after the sound', async () => {
    const clip = await folder.clip('together.mp4');
    ffmpeg('-itsoffset', '0.4', '-i', clip, '-i', clip, '-map', '0:v', '-map', '1:a', '-c', 'copy', folder.at('late.mp4'));
    const rendered = await render(folder.at('late.mp4'), plan);
    expect(await check(rendered, plan)).toEqual([]);
  });

  it('takes samples that are no numbers for sound', async () => {
    const source = folder.at('no-numbers.mov');
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=1', '-f', 'lavfi', '-i', 'aevalsrc=0.3*sin(900*t):d=1:s=48000'],
      ...['-c:v', 'libx264', '-c:a', 'pcm_f32le', source],
    );
    const bytes = await readFile(source);
    const packets = execFileSync(
      'ffprobe',
      ['-v', 'error', '-select_streams', 'a', '-show_entries', 'packet=pos', '-of', 'csv=p=0', source],
      { encoding: 'utf8' },
    );
    const sample = Buffer.alloc(4);
    sample.writeFloatLE(NaN);
    const quiet: RedactionPlan = { v: 1, regions: [], mutes: [{ fromMs: 100, toMs: 500, reason: 'name', fill: 'tone' }] };
    for (const at of packets.split('\n').filter((line) => line !== '')) sample.copy(bytes, parseInt(at, 10));
    await writeFile(source, bytes);
    expect(await check(await render(source, quiet), quiet)).toEqual([]);
  });

  it('silences low-rate surround sound and a hundred spans', async () => {
    const source = folder.at('radio.mkv');
    const noise = 'anoisesrc=d=6:a=0.9:seed=3:r=8000,pan=5.1|FL=c0|FR=-1*c0|FC=c0|LFE=c0|BL=c0|BR=c0';
    ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=160x120:r=10:d=6',
        '-f',
        'lavfi',
        '-i',
        noise,
        '-c:v',
        'libx264',
        '-c:a',
        'pcm_s16le',
        source,
      ],
    );
    const mutes = Array.from({ length: 100 }, (_, index) => ({
      fromMs: index * 50 + 400,
      toMs: index * 50 + 420,
      reason: 'name',
    }));
    const sparse = { ...plan, regions: [], mutes: [...mutes.slice(0, 99), { fromMs: 5700, toMs: 5800, reason: 'name' }] };
    expect(await check(await render(source, sparse), sparse)).toEqual([]);
  });

  it('covers what moves fast and what is only there for an instant', async () => {
    const fast = covering(box(0, 0, 0), box(200, 260, 190), box(400, 0, 190), box(433, 260, 0));
    const brief = covering(box(1000, 100, 100, 1, 1), box(1001, 100, 100, 1, 1));
    const both = { ...fast, regions: [...fast.regions, ...brief.regions] };
    expect(await check(await render(await folder.clip('a.mp4'), both), both)).toEqual([]);
  });

  it('refuses a plan with faults, names them all and writes nothing', async () => {
    const wrong = covering(box(0, 300, 0), box(9000, 0, 0));
    const before = await readdir(folder.path);
    await expect(render(await folder.clip('a.mp4'), wrong, 'never.mp4')).rejects.toMatchObject({
      code: 'invalid-plan',
      message: expect.stringMatching(/reaches outside.*beyond the end/) as string,
    });
    expect(await readdir(folder.path)).toEqual(before);
  });

  it('refuses a clip between two frames and writes nothing', async () => {
    const source = await folder.clip('a.mp4');
    const before = await readdir(folder.path);
    const between: RedactionPlan = { v: 1, regions: [], mutes: [], clip: { fromMs: 1001, toMs: 1030 } };
    await expect(render(source, between, 'never.mp4')).rejects.toMatchObject({
      code: 'invalid-plan',
      message: 'No picture of the recording begins within the clip, from 1001 to 1030 ms.',
    });
    expect(await readdir(folder.path)).toEqual(before);
  });
});

describe('checkRedaction of a file that somebody else made', () => {
  const rendered = async (): Promise<Rendered> => render(await folder.clip('a.mp4'), plan, 'honest.mp4');
  const remade = async (...options: string[]): Promise<readonly string[]> => {
    const honest = await rendered();
    const out = folder.at('remade.mp4');
    ffmpeg('-i', honest.out, '-i', honest.source, ...options, out);
    return check({ ...honest, out }, plan);
  };
  const bare = ['-c', 'copy', '-fflags', '+bitexact', '-flags', '+bitexact'];

  it('reports tags and chapters', async () => {
    expect(await remade('-map', '0', ...bare, '-metadata', 'title=x')).toEqual([
      'The file carries the tag "title".',
      'The file holds data of its maker.',
    ]);
    expect(await remade('-map', '0', ...bare, '-metadata:s:a', 'handler_name=x')).toEqual([
      'The audio stream carries the tag "handler_name".',
    ]);
  });

  it('reports a further stream', async () => {
    const faults = await remade('-map', '0', '-map', '1:v', ...bare);
    expect(faults).toContain(
      'The file holds the streams video/h264, audio/aac, video/h264, where only video/h264, audio/aac may be.',
    );
  });

  it('reports missing frames', async () => {
    expect((await remade('-map', '0', '-t', '2.5', ...bare)).join(' ')).toMatch(
      /The source has 90 frames to show and the redaction \d\d\./,
    );
  });

  it('reports frames that an edit list hides', async () => {
    const honest = await rendered();
    ffmpeg('-ss', '1', '-i', honest.out, '-map', '0', ...bare, folder.at('hidden.mp4'));
    const faults = await check({ ...honest, out: folder.at('hidden.mp4') }, plan);
    expect(faults.join(' ')).toMatch(/holds \d+ pictures, of which \d+ are shown/);
  });

  it('reports bytes beside the film', async () => {
    const honest = await rendered();
    await copyFile(honest.out, folder.at('more.mp4'));
    await appendFile(folder.at('more.mp4'), Buffer.from('\0\0\0\x10junkSECRET__', 'latin1'));
    expect(await check({ ...honest, out: folder.at('more.mp4') }, plan)).toEqual([
      'The file holds a box "junk", which is not expected.',
    ]);
  });

  it('reports space, further bytes of film and boxes within others', async () => {
    const honest = await rendered();
    const bytes = await readFile(honest.out);
    const faultsOf = async (changed: Buffer): Promise<readonly string[]> => {
      await writeFile(folder.at('changed.mp4'), changed);
      return check({ ...honest, out: folder.at('changed.mp4') }, plan);
    };
    const secret = Buffer.from('SECRET__');
    /** At the end, where no offset changes. */
    const space = Buffer.from([0, 0, 0, 16, ...Buffer.from('skip'), ...secret]);
    expect(await faultsOf(Buffer.concat([bytes, space]))).toEqual(['The file holds a box "skip", which is not expected.']);
    space.write('free', 4);
    expect(await faultsOf(Buffer.concat([bytes, space]))).toEqual([
      'The file holds a box "free" more than once.',
      'The file holds 8 bytes of space, which may hide something.',
    ]);
    const film = bytes.indexOf('mdat') - 4;
    const longer = Buffer.concat([bytes, secret]);
    longer.writeUInt32BE(longer.readUInt32BE(film) + secret.length, film);
    const stored = bytes.length - film - 8;
    expect(await faultsOf(longer)).toEqual([
      `The file holds ${stored + secret.length} bytes of film, of which ${stored} belong to pictures or sound.`,
    ]);
    const renamed = Buffer.from(bytes);
    renamed.write('uuid', renamed.indexOf('sgpd'));
    expect(await faultsOf(renamed)).toEqual(['The file holds a box "uuid", which is not expected.']);
  });

  it('reports pictures and sound that lie beyond the length that the recording states, where no plan reaches', async () => {
    const quiet = { ...plan, regions: [] };
    const honest = await render(await folder.clip('a.mp4'), quiet, 'long.mp4');
    const short = { ...honest, probe: { ...honest.probe, durationMs: 2000 } };
    expect(await check(short, quiet)).toEqual([
      expect.stringMatching(/^\d\d pictures lie outside the length of 2000 ms/),
      expect.stringMatching(/^The sound goes on for \d+ ms after the end that the recording states\. A clip leaves it out\.$/),
    ]);
  });

  it('reports a fill through which the picture shines faintly', async () => {
    const source = await folder.clip('a.mp4');
    const still = covering(box(0, 60, 60, 100, 100), box(3000, 60, 60, 100, 100));
    const honest = await render(source, still, 'still.mp4');
    const faint = `[1:v]crop=116:116:52:52,format=yuva420p,lutyuv=a=20[film];[0:v][film]overlay=52:52`;
    const encode = [
      '-map',
      '0:a',
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-crf',
      '16',
      '-bsf:v',
      'filter_units=remove_types=6',
      '-c:a',
      'copy',
      '-fflags',
      '+bitexact',
      '-flags',
      '+bitexact',
    ];
    ffmpeg('-i', honest.out, '-i', source, '-filter_complex', `${faint}[v]`, '-map', '[v]', ...encode, folder.at('faint.mp4'));
    const faults = await check({ ...honest, out: folder.at('faint.mp4') }, still);
    expect(faults).toEqual([expect.stringContaining('Region 1 is not covered in 90 frames')]);
  });

  it('reports the source itself', async () => {
    const honest = await rendered();
    const faults = await check({ ...honest, out: honest.source }, plan);
    expect(faults.join(' ')).toContain('carries the tag "title"');
  });
});

describe('extractFrame', () => {
  it.each(['frame.png', 'frame.jpg'])('writes the picture at a time as %s', async (name) => {
    await extractFrame(folder.tools, { file: await folder.clip('a.mp4'), atMs: 1500, out: folder.at(name) });
    const found = execFileSync(
      'ffprobe',
      ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', folder.at(name)],
      { encoding: 'utf8' },
    );
    expect(found.trim()).toBe('320,240');
  });

  it('says that there is no picture after the end', async () => {
    const work = extractFrame(folder.tools, { file: await folder.clip('a.mp4'), atMs: 60_000, out: folder.at('late.png') });
    await expect(work).rejects.toMatchObject({ code: 'failed', message: 'The recording has no picture at 60.000 s.' });
  });
});
