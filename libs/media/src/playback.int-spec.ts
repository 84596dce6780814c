import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { MediaError, probe, transcodeForPlayback } from './index.js';
import type { PlaybackFile } from './index.js';
import { ClipFolder } from './testing/clip-folder.js';
import type { Waveform } from './waveform.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(180_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

async function transcode(file: string, onProgress?: (percent: number) => void): Promise<PlaybackFile[]> {
  const input = { file, probe: await probe(folder.tools, file), outDir: folder.at(`${basename(file)}-hls`) };
  return transcodeForPlayback(folder.tools, onProgress === undefined ? input : { ...input, onProgress });
}

interface Stream {
  readonly codec_name: string;
  readonly width?: number;
  readonly height?: number;
  readonly nb_read_frames: string;
  readonly start_time: string;
}

/** One track's init segment and segments, decoded as a player would; throws on the first error. */
function play(files: readonly PlaybackFile[], track: string): Stream & { readonly frames: number } {
  const parts = files.filter(({ name }) => name.startsWith(`${track}-`)).map(({ path }) => path);
  const whole = folder.at(`whole-${track}.mp4`);
  writeFileSync(whole, Buffer.concat(parts.map((path) => readFileSync(path))));
  execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', whole, '-f', 'null', '-'], { stdio: 'pipe' });
  const entries = 'stream=codec_name,width,height,nb_read_frames,start_time';
  const shown = execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-of', 'json', '-show_entries', entries, whole], {
    encoding: 'utf8',
  });
  const [stream] = (JSON.parse(shown) as { streams: Stream[] }).streams;
  if (stream === undefined) throw new Error(`${track} has no stream`);
  return { ...stream, frames: Number(stream.nb_read_frames) };
}

const text = (files: readonly PlaybackFile[], name: string): string =>
  readFileSync(files.find((file) => file.name === name)?.path ?? '', 'utf8');

/** Mean luma of a picture, 0 to 255. */
function brightness(path: string, crop = ''): number {
  const reading = ['-vf', `${crop}scale=1:1`, '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
  return execFileSync('ffmpeg', ['-v', 'error', '-i', path, ...reading])[0] ?? 0;
}

describe('transcodeForPlayback', () => {
  it('makes playlists, segments of four seconds, a poster, a sprite and a waveform that play from start to end', async () => {
    const percents: number[] = [];
    const files = await transcode(await folder.clip('ten.mp4', { seconds: 10, location: '+40.7128-074.0060/' }), (percent) =>
      percents.push(percent),
    );
    expect(files.map(({ name, startMs, durationMs }) => [name, ...(startMs === undefined ? [] : [startMs, durationMs])])).toEqual(
      [
        ['playlist.m3u8'],
        ['240p.m3u8'],
        ['240p-init.mp4'],
        ['240p-00000.m4s', 0, 4000],
        ['240p-00001.m4s', 4000, 4000],
        ['240p-00002.m4s', 8000, 2000],
        ['sound.m3u8'],
        ['sound-init.mp4'],
        ['sound-00000.m4s', 0, expect.closeTo(4000, -2)],
        ['sound-00001.m4s', expect.closeTo(4000, -2), expect.closeTo(4000, -2)],
        ['sound-00002.m4s', expect.closeTo(8000, -2), expect.closeTo(2000, -2)],
        ['poster.jpg', expect.any(Number), expect.any(Number)],
        ['sprite-000.jpg', 0, 10_000],
        ['sprite.vtt'],
        ['waveform.json'],
      ],
    );
    expect(play(files, '240p')).toMatchObject({ codec_name: 'h264', frames: 300, start_time: '0.000000' });
    // The encoder's own first packet lies before the beginning, where it is not played.
    expect(play(files, 'sound')).toMatchObject({ codec_name: 'aac', start_time: '-0.021333' });
    expect(percents.at(-1)).toBe(100);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    for (const { path } of files) expect((await readFile(path)).includes('+40.7128')).toBe(false);
    expect((await readdir(folder.at('ten.mp4-hls'))).sort()).toEqual(files.map(({ name }) => name).sort());
  });

  it('plays 1080 lines in three sizes with the same cuts, and says of each what is true', async () => {
    const files = await transcode(await folder.clip('large.mp4', { width: 1920, height: 1080, seconds: 5 }));
    const cuts = (rung: string): unknown =>
      files.filter(({ name }) => new RegExp(`^${rung}-\\d`).test(name)).map(({ startMs, durationMs }) => [startMs, durationMs]);
    for (const [rung, width, height] of [
      ['1080p', 1920, 1080],
      ['720p', 1280, 720],
      ['360p', 640, 360],
    ] as const) {
      expect(play(files, rung)).toMatchObject({ width, height, frames: 150 });
      expect(cuts(rung)).toEqual([
        [0, 4000],
        [4000, 1000],
      ]);
    }
    const playlist = text(files, 'playlist.m3u8');
    expect(playlist.match(/^#EXT-X-STREAM-INF/gm)).toHaveLength(3);
    expect(playlist).toMatch(
      /CODECS="avc1\.640028,mp4a\.40\.2",RESOLUTION=1920x1080,FRAME-RATE=30\.000,AUDIO="sound"\n1080p\.m3u8/,
    );
    const first = files.find(({ name }) => name === '1080p-00000.m4s')?.path ?? '';
    const peak = ((await stat(first)).size * 8) / 4;
    const bandwidth = Number(/BANDWIDTH=(\d+)/.exec(playlist)?.[1]);
    expect(bandwidth).toBeGreaterThanOrEqual(peak);
    expect(bandwidth).toBeLessThan(peak + 300_000);
  });

  it('keeps a picture of odd size even, and does not enlarge it', async () => {
    const odd = await folder.clip('odd.avi', { width: 322, height: 242, seconds: 1, container: 'avi', codec: 'mjpeg' });
    expect(play(await transcode(odd), '242p')).toMatchObject({ codec_name: 'h264', width: 322, height: 242 });
  });

  it('plays a recording without sound, and one that varies its frame rate', async () => {
    const silent = await transcode(await folder.clip('silent.mkv', { audio: false, container: 'mkv' }));
    expect(silent.filter(({ name }) => /sound|waveform/.test(name))).toEqual([]);
    expect(text(silent, 'playlist.m3u8')).not.toContain('AUDIO');
    expect(play(silent, '240p').frames).toBe(90);
    const varying = await transcode(await folder.clip('vfr.mp4', { variableFrameRate: true, seconds: 5 }));
    const lengths = varying
      .filter(({ name }) => /^240p-\d/.test(name))
      .map(({ durationMs }) => Math.round((durationMs ?? 0) / 100));
    expect(lengths).toEqual([40, 10]);
    expect(play(varying, '240p').frames).toBeGreaterThan(147);
  });

  it('plays a recording whose sound goes on after the last picture', async () => {
    const long = await folder.clip('long.mp4', { seconds: 7 });
    const short = await folder.clip('short.mp4', { seconds: 5 });
    const join = ['-map', '0:v', '-map', '1:a', '-c', 'copy', folder.at('uneven.mp4')];
    execFileSync('ffmpeg', ['-v', 'error', '-i', short, '-i', long, ...join]);
    const files = await transcode(folder.at('uneven.mp4'));
    expect(play(files, '240p').frames).toBe(150);
    expect(play(files, 'sound').frames).toBeGreaterThan((7 * 48_000) / 1024 - 2);
  });

  it('plays a recording that names a sound track and has nothing in it', async () => {
    const source = await folder.clip('mute.mp4', { seconds: 2 });
    const emptied = ['-map', '0', '-c', 'copy', '-bsf:a', 'noise=drop=1', folder.at('mute.mkv')];
    execFileSync('ffmpeg', ['-v', 'error', '-i', source, ...emptied]);
    const files = await transcode(folder.at('mute.mkv'));
    expect(files.filter(({ name }) => /sound|waveform/.test(name))).toEqual([]);
    expect(play(files, '240p').frames).toBe(60);
  });

  it('does not take a dark beginning for the poster, and shows it in the sprite', async () => {
    const bright = await folder.clip('bright.mp4', { seconds: 4 });
    const fade = ['-vf', "drawbox=color=black:t=fill:enable='lt(t,1.5)'", '-c:a', 'copy'];
    execFileSync('ffmpeg', ['-v', 'error', '-i', bright, ...fade, folder.at('dark.mp4')]);
    const files = await transcode(folder.at('dark.mp4'));
    const poster = files.find(({ name }) => name === 'poster.jpg')?.path ?? '';
    expect(brightness(poster)).toBeGreaterThan(40);
    expect((await stat(poster)).size).toBeGreaterThan(2000);
    const moment = files.find(({ name }) => name === 'poster.jpg');
    expect(moment?.startMs).toBeGreaterThanOrEqual(1300);
    expect((moment?.startMs ?? 0) + (moment?.durationMs ?? 0)).toBeGreaterThan(1500);
    expect(moment?.durationMs).toBeLessThan(500);
    const cues = [...text(files, 'sprite.vtt').matchAll(/^(.*) --> (.*)\n(.*)#xywh=(.*)$/gm)].map((cue) => cue.slice(1));
    expect(cues).toEqual([
      ['00:00:00.000', '00:00:01.000', 'sprite-000.jpg', '0,0,160,120'],
      ['00:00:01.000', '00:00:02.000', 'sprite-000.jpg', '160,0,160,120'],
      ['00:00:02.000', '00:00:03.000', 'sprite-000.jpg', '320,0,160,120'],
      ['00:00:03.000', '00:00:04.000', 'sprite-000.jpg', '480,0,160,120'],
    ]);
    const sheet = files.find(({ name }) => name === 'sprite-000.jpg')?.path ?? '';
    const seen = cues.map(([, , , place = '']) => {
      const [x, y, w, h] = place.split(',');
      return brightness(sheet, `crop=${w}:${h}:${x}:${y},`) > 40;
    });
    expect(seen).toEqual([false, false, true, true]);
  });

  it('draws the loudest of each tenth of a second', async () => {
    const [quiet, loud] = [0.1, 0.8];
    const sound = `aevalsrc='if(between(t,1,2),0,if(lt(t,1),${quiet},${loud}))*sin(2*PI*440*t)':s=48000:d=3`;
    const sources = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=15:d=3', '-f', 'lavfi', '-i', sound];
    const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'pcm_s16le', folder.at('loud.mkv')];
    execFileSync('ffmpeg', ['-v', 'error', ...sources, ...coding]);
    const { peaks, peaksPerSecond } = JSON.parse(text(await transcode(folder.at('loud.mkv')), 'waveform.json')) as Waveform;
    expect([peaksPerSecond, peaks.length]).toEqual([10, 30]);
    for (const peak of peaks.slice(0, 9)) expect(Math.abs(peak - quiet * 255)).toBeLessThan(6);
    expect(Math.max(...peaks.slice(11, 19))).toBeLessThan(2);
    for (const peak of peaks.slice(21, 29)) expect(Math.abs(peak - loud * 255)).toBeLessThan(6);
  });

  it('hands over each file once, when it is complete, two at a time, and keeps none', async () => {
    const file = await folder.clip('long.mkv', { seconds: 21, container: 'mkv', width: 160, height: 120 });
    const taken = new Map<string, number>();
    let [busy, most] = [0, 0];
    const take = async ({ name, path }: PlaybackFile): Promise<void> => {
      most = Math.max(most, (busy += 1));
      expect(taken.has(name)).toBe(false);
      taken.set(name, (await readFile(path)).length);
      busy -= 1;
    };
    const outDir = folder.at('taken');
    const files = await transcodeForPlayback(folder.tools, { file, probe: await probe(folder.tools, file), outDir, take });
    expect([...taken.keys()].sort()).toEqual(files.map(({ name }) => name).sort());
    expect([...taken.keys()].at(-1)).toBe('playlist.m3u8');
    expect(Math.min(...taken.values())).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
    expect(await readdir(outDir)).toEqual([]);
  });

  it('holds the encoder up while nobody takes what it makes', async () => {
    const file = folder.at('minutes.mp4');
    const sources = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=5:d=400', '-f', 'lavfi', '-i', 'sine=d=400'];
    execFileSync('ffmpeg', ['-v', 'error', ...sources, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', file]);
    const outDir = folder.at('held');
    let most = 0;
    // 100 segments of each; a taker that is slower than the encoder.
    const take = async (): Promise<void> => {
      most = Math.max(most, (await readdir(outDir)).filter((name) => name.endsWith('.m4s')).length);
      await new Promise((next) => setImmediate(next));
    };
    await transcodeForPlayback(folder.tools, { file, probe: await probe(folder.tools, file), outDir, take });
    expect(most).toBeLessThan(60);
  });

  it('stops the encoder when a file cannot be handed over, and says why', async () => {
    const file = await folder.clip('untaken.mkv', { seconds: 9, container: 'mkv' });
    const outDir = folder.at('untaken');
    const take = (): Promise<void> => Promise.reject(new Error('the store is full'));
    const work = transcodeForPlayback(folder.tools, { file, probe: await probe(folder.tools, file), outDir, take });
    await expect(work).rejects.toThrow('the store is full');
    expect(await readdir(outDir)).toEqual([]);
    expect(await folder.processes()).toEqual([]);
  });

  it('says at once what the probe said of a recording that cannot be decoded', async () => {
    const file = await folder.clip('unknown.mp4', { seconds: 1 });
    const stated = { ...(await probe(folder.tools, file)), problem: 'Nobody knows this.' };
    const work = transcodeForPlayback(folder.tools, { file, probe: stated, outDir: folder.at('unknown') });
    await expect(work).rejects.toMatchObject({ code: 'failed', message: 'Nobody knows this.' });
  });

  it('refuses to call a rendition done that lacks pictures of the recording', async () => {
    const file = await folder.clip('holes.mp4', { seconds: 4, codec: 'mpeg4' });
    const stated = await probe(folder.tools, file);
    // Every second picture is zeros.
    const holes = ['-map', '0', '-c', 'copy', '-bsf:v', "noise=amount='mod(n,2)*1'", folder.at('holed.mp4')];
    execFileSync('ffmpeg', ['-v', 'error', '-i', file, ...holes]);
    const outDir = folder.at('holed');
    const work = transcodeForPlayback(folder.tools, { file: folder.at('holed.mp4'), probe: stated, outDir });
    await expect(work).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/^Only \d+ of the recording's 120 pictures can be decoded\.$/) as string,
    });
  });

  it('says where the recording’s own clock jumps', async () => {
    const once = await folder.clip('once.ts', { container: 'ts', seconds: 1 });
    const later = folder.at('later.ts');
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', once, '-c', 'copy', '-output_ts_offset', '1000', '-f', 'mpegts', later]);
    writeFileSync(folder.at('jump.ts'), Buffer.concat([readFileSync(once), readFileSync(later)]));
    await expect(transcode(folder.at('jump.ts'))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(
        /^The playback version is not as long as the recording: 2\.\d s of 10\d\d\.\d s\. The recording's clock jumps from \d\.\d s to 10\d\d\.\d s\.$/,
      ) as string,
    });
  });

  it('refuses to call a rendition done that is shorter than the recording', async () => {
    const whole = await folder.clip('whole.mkv', { container: 'mkv', seconds: 6 });
    const stated = await probe(folder.tools, whole);
    const bytes = await readFile(whole);
    await writeFile(folder.at('half.mkv'), bytes.subarray(0, bytes.length / 2));
    const work = transcodeForPlayback(folder.tools, { file: folder.at('half.mkv'), probe: stated, outDir: folder.at('half') });
    const error = await work.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(MediaError);
    expect(error).toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/not as long as the recording: \d\.\d s of 6\.0 s/) as string,
    });
  });
});
