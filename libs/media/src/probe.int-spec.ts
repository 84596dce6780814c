import { execFileSync } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { checkWhole } from './completeness.js';
import { MediaError } from './media-error.js';
import { probe } from './probe.js';
import { ClipFolder } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof MediaError ? error.code : String(error)),
  );

async function cut(from: string, to: string, part: number): Promise<string> {
  const bytes = await readFile(from);
  await writeFile(folder.at(to), bytes.subarray(0, Math.floor(bytes.length * part)));
  return folder.at(to);
}

describe('probe', () => {
  it.each([
    ['a.mp4', 'mp4', 'h264', 'mov,mp4,m4a,3gp,3g2,mj2'],
    ['a.mov', 'mov', 'h264', 'mov,mp4,m4a,3gp,3g2,mj2'],
    ['hevc.mp4', 'mp4', 'hevc', 'mov,mp4,m4a,3gp,3g2,mj2'],
    ['a.mkv', 'mkv', 'h264', 'matroska,webm'],
    ['a.avi', 'avi', 'mpeg4', 'avi'],
    ['mjpeg.avi', 'avi', 'mjpeg', 'avi'],
    ['a.ts', 'ts', 'h264', 'mpegts'],
  ] as const)('reads %s and finds it whole', async (name, container, codec, demuxer) => {
    const file = await folder.clip(name, { container, codec });
    const found = await probe(folder.tools, file);
    expect(found).toMatchObject({
      container: demuxer,
      video: { codec, width: 320, height: 240, rotation: 0 },
      audio: { codec: 'aac', sampleRate: 48000 },
    });
    expect(Math.abs(found.durationMs - 3000)).toBeLessThan(100);
    expect(found.tool).toMatch(/^ffprobe \d/);
    await checkWhole(folder.tools, file, found);
  });

  it('reads the tags of a camera, and a recording without sound', async () => {
    const file = await folder.clip('silent.mp4', { audio: false, location: '+40.7128-074.0060/' });
    const found = await probe(folder.tools, file);
    expect(found.audio).toBeNull();
    expect(found.tags).toMatchObject({
      title: 'BWC-1',
      location: '+40.7128-074.0060/',
      creation_time: '2026-03-14T09:26:53.000000Z',
    });
  });

  it('finds out the length of a stream that states none', async () => {
    const file = await folder.clip('source.mkv', { container: 'mkv' });
    // Written to a pipe, Matroska cannot go back to fill in its length.
    const bytes = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-c', 'copy', '-f', 'matroska', '-live', '1', 'pipe:1'], {
      maxBuffer: 1 << 26,
    });
    await writeFile(folder.at('live.mkv'), bytes);
    const found = await probe(folder.tools, folder.at('live.mkv'));
    expect(Math.abs(found.durationMs - 3000)).toBeLessThan(100);
  });

  it('says that there is no video in a sound file', async () => {
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=1', folder.at('sound.m4a')]);
    expect(await codeOf(probe(folder.tools, folder.at('sound.m4a')))).toBe('no-video');
  });

  it('says in a sentence without paths that a file is missing or empty', async () => {
    await writeFile(folder.at('empty.mp4'), '');
    await expect(probe(folder.tools, folder.at('empty.mp4'))).rejects.toMatchObject({
      code: 'unreadable',
      message: 'The file is empty.',
    });
    await expect(probe(folder.tools, folder.at('none.mp4'))).rejects.toMatchObject({
      code: 'unreadable',
      message: 'The file cannot be opened.',
    });
  });

  it('says of an MP4 that lost its index that it was probably cut off', async () => {
    const file = await cut(await folder.clip('indexed-late.mp4'), 'no-index.mp4', 0.6);
    await expect(probe(folder.tools, file)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('probably cut off') as string,
    });
  });
});

describe('checkWhole', () => {
  it.each([
    ['mp4', 0.5],
    ['mp4', 0.97],
    ['mkv', 0.5],
    ['mkv', 0.9],
    ['avi', 0.5],
  ] as const)('finds that a .%s is cut off at %d of its bytes, and says how much is present', async (container, part) => {
    const whole = await folder.clip(`whole.${container}`, { container, seconds: 4 });
    if (container === 'mp4') {
      execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', whole, '-c', 'copy', '-movflags', '+faststart', folder.at('fast.mp4')]);
      await copyFile(folder.at('fast.mp4'), whole);
    }
    const stated = await probe(folder.tools, whole);
    const file = await cut(whole, `cut-${part}.${container}`, part);
    await expect(checkWhole(folder.tools, file, stated)).rejects.toMatchObject({
      code: 'truncated',
      message: expect.stringMatching(/^The file is cut off: \d\.\d s of 4\.0 s present\.$/) as string,
    });
    // Not only against the whole file's probe: the cut file's own header promises the same.
    expect(await codeOf(probe(folder.tools, file).then((own) => checkWhole(folder.tools, file, own)))).toBe('truncated');
  });

  it('does not take an edit list for a loss', async () => {
    const whole = await folder.clip('for-trim.mp4', { seconds: 4 });
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-ss', '1.3', '-i', whole, '-t', '2', '-c', 'copy', folder.at('trimmed.mp4')]);
    const file = folder.at('trimmed.mp4');
    await checkWhole(folder.tools, file, await probe(folder.tools, file));
  });
});
