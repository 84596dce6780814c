import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { MediaError, probe, transcodeForPlayback } from './index.js';
import type { PlaybackFile } from './index.js';
import { ClipFolder } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

async function transcode(file: string, onProgress?: (percent: number) => void): Promise<PlaybackFile[]> {
  const input = { file, probe: await probe(folder.tools, file), outDir: folder.at(`${basename(file)}-hls`) };
  return transcodeForPlayback(folder.tools, onProgress === undefined ? input : { ...input, onProgress });
}

/** Decodes the rendition as a player would; throws on the first error. */
function play(files: readonly PlaybackFile[]): {
  streams: { codec_name: string; width?: number; height?: number }[];
  frames: number;
} {
  const playlist = files[0]?.path ?? '';
  execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', playlist, '-f', 'null', '-'], { stdio: 'pipe' });
  const entries = 'stream=codec_name,width,height,nb_read_frames';
  const shown = execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-of', 'json', '-show_entries', entries, playlist], {
    encoding: 'utf8',
  });
  const { streams } = JSON.parse(shown) as {
    streams: { codec_name: string; width?: number; height?: number; nb_read_frames: string }[];
  };
  return { streams, frames: Number(streams[0]?.nb_read_frames) };
}

describe('transcodeForPlayback', () => {
  it('makes playlist, segments of four seconds and a poster that play from start to end', async () => {
    const percents: number[] = [];
    const files = await transcode(await folder.clip('ten.mp4', { seconds: 10, location: '+40.7128-074.0060/' }), (percent) =>
      percents.push(percent),
    );
    expect(files.map(({ name, durationMs }) => [name, durationMs])).toEqual([
      ['playlist.m3u8', undefined],
      ['init.mp4', undefined],
      ['seg-00000.m4s', 4000],
      ['seg-00001.m4s', 4000],
      ['seg-00002.m4s', 2000],
      ['poster.jpg', undefined],
    ]);
    const { streams, frames } = play(files);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['h264', 'aac']);
    expect(frames).toBe(300);
    expect(percents.at(-1)).toBe(100);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    for (const { path } of files) expect((await readFile(path)).includes('+40.7128')).toBe(false);
  });

  it('shrinks to 720 lines and keeps a picture of odd size even', async () => {
    const large = play(await transcode(await folder.clip('large.mp4', { width: 1920, height: 1080, seconds: 1 })));
    expect(large.streams[0]).toMatchObject({ width: 1280, height: 720 });
    const odd = await transcode(
      await folder.clip('odd.avi', { width: 322, height: 242, seconds: 1, container: 'avi', codec: 'mjpeg' }),
    );
    expect(play(odd).streams[0]).toMatchObject({ codec_name: 'h264', width: 322, height: 242 });
  });

  it('plays a recording without sound, and one that varies its frame rate', async () => {
    expect(play(await transcode(await folder.clip('silent.mkv', { audio: false, container: 'mkv' }))).streams).toHaveLength(1);
    const varying = await transcode(await folder.clip('vfr.mp4', { variableFrameRate: true, seconds: 5 }));
    expect(
      varying.filter(({ durationMs }) => durationMs !== undefined).map(({ durationMs }) => Math.round((durationMs ?? 0) / 100)),
    ).toEqual([40, 10]);
    expect(play(varying).frames).toBeGreaterThan(147);
  });

  it('plays a recording whose sound goes on after the last picture', async () => {
    const long = await folder.clip('long.mp4', { seconds: 7 });
    const short = await folder.clip('short.mp4', { seconds: 5 });
    const join = ['-map', '0:v', '-map', '1:a', '-c', 'copy', folder.at('uneven.mp4')];
    execFileSync('ffmpeg', ['-v', 'error', '-i', short, '-i', long, ...join]);
    expect(play(await transcode(folder.at('uneven.mp4'))).frames).toBe(150);
  });

  it('does not take a dark beginning for the poster', async () => {
    const bright = await folder.clip('bright.mp4', { seconds: 4 });
    const fade = ['-vf', "drawbox=color=black:t=fill:enable='lt(t,1.5)'", '-c:a', 'copy'];
    execFileSync('ffmpeg', ['-v', 'error', '-i', bright, ...fade, folder.at('dark.mp4')]);
    const files = await transcode(folder.at('dark.mp4'));
    const poster = files.at(-1)?.path ?? '';
    const luma = execFileSync('ffmpeg', [
      '-v',
      'error',
      '-i',
      poster,
      '-vf',
      'scale=1:1',
      '-pix_fmt',
      'gray',
      '-f',
      'rawvideo',
      '-',
    ]);
    expect(luma[0]).toBeGreaterThan(40);
    expect((await stat(poster)).size).toBeGreaterThan(2000);
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
