import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { checkWhole } from './completeness.js';
import { MediaError } from './media-error.js';
import { probe } from './probe.js';
import { ClipFolder } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const ffmpeg = (...options: string[]): void => void execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...options]);
const small = { seconds: 1, width: 160, height: 120 };

/** The clip with each of the words put in place of another one of the same length, as often as it is there. */
async function reworded(name: string, from: string, words: Readonly<Record<string, string>>): Promise<string> {
  let bytes = (await readFile(from)).toString('latin1');
  for (const [word, other] of Object.entries(words)) bytes = bytes.replaceAll(word, other);
  await writeFile(folder.at(name), bytes, 'latin1');
  return folder.at(name);
}

function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'nothing was refused',
    (error: unknown) => (error instanceof MediaError ? { code: error.code, message: error.message } : error),
  );
}

describe('a file whose picture cannot be decoded', () => {
  it.each([
    ['mp4', 'avc1', 'zzzz', 'The picture is in a format that is not known here (zzzz), so it cannot be decoded.', 'zzzz'],
    ['mov', 'avc1', 'encv', 'The picture is encrypted (encv) and cannot be decoded without its key.', 'encv'],
    ['avi', 'FMP4', 'XYZW', 'The picture is in a format that is not known here (XYZW), so it cannot be decoded.', 'XYZW'],
    [
      'mkv',
      'V_MPEG4/ISO/AVC',
      'V_MPEG4/ISO/XYZ',
      'The picture is in a format that is not known here, so it cannot be decoded.',
      'unknown',
    ],
  ] as const)('in a good .%s is a whole recording all the same, with the reason', async (container, from, to, problem, codec) => {
    const whole = await folder.clip(`known.${container}`, { ...small, container, codec: container === 'avi' ? 'mpeg4' : 'h264' });
    const file = await reworded(`unknown.${container}`, whole, { [from]: to });
    const found = await probe(folder.tools, file);
    expect(found).toMatchObject({ problem, video: { codec, width: 160, height: 120 }, audio: { codec: 'aac' } });
    expect(found.technical).toMatchObject({ decodable: false, tracks: [{ problem }, {}] });
    expect(Math.abs(found.durationMs - 1000)).toBeLessThan(100);
    await checkWhole(folder.tools, file, found);
  });

  it('because its bytes are no pictures says so, though the index is in order', async () => {
    const whole = await folder.clip('pictures.mp4', { ...small, audio: false });
    const bytes = await readFile(whole);
    const [from, to] = [bytes.indexOf('mdat') + 4, bytes.indexOf('moov') - 4];
    for (let at = from; at < to; at += 1) bytes[at] = (at * 7919) & 0xff;
    await writeFile(folder.at('garbage.mp4'), bytes);
    const found = await probe(folder.tools, folder.at('garbage.mp4'));
    expect(found.problem).toMatch(/^The picture is said to be h264, but nothing at its beginning can be decoded/);
    expect(found.technical?.decodable).toBe(false);
  });

  it('has no problem when it only begins in the middle of a group of pictures', async () => {
    const whole = await folder.clip('whole.ts', { ...small, seconds: 8, container: 'ts', fps: 15 });
    const bytes = await readFile(whole);
    const from = Math.floor(bytes.length / 10 / 188) * 188;
    await writeFile(folder.at('middle.ts'), bytes.subarray(from));
    expect(await probe(folder.tools, folder.at('middle.ts'))).not.toHaveProperty('problem');
  });
});

describe('sound that cannot be decoded', () => {
  it('is no sound, and says why, and the picture is none the worse', async () => {
    const whole = await folder.clip('heard.mp4', small);
    const file = await reworded('unheard.mp4', whole, { mp4a: 'zzza' });
    const bytes = await readFile(file);
    // The elementary stream descriptor names the codec a second time (ISO/IEC 14496-1 §7.2.6.6: 0x40 is AAC).
    const kind = bytes.indexOf('esds') + 4;
    const object = bytes.indexOf(Buffer.from([0x40, 0x15]), kind);
    bytes[object] = 0xfe;
    await writeFile(file, bytes);
    const found = await probe(folder.tools, file);
    expect(found.audio).toBeNull();
    expect(found).not.toHaveProperty('problem');
    expect(found.technical?.tracks[1]).toMatchObject({
      kind: 'audio',
      problem: 'The sound is in a format that is not known here (zzza), so it cannot be decoded.',
    });
  });

  it('makes way for the track after it', async () => {
    ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=160x120:r=15:d=1',
        '-f',
        'lavfi',
        '-i',
        'anoisesrc=d=1',
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-map',
        '1:a',
      ],
      ...['-c:v', 'mpeg4', '-c:a:0', 'libmp3lame', '-c:a:1', 'aac', folder.at('two.mkv')],
    );
    const file = await reworded('second.mkv', folder.at('two.mkv'), { 'A_MPEG/L3': 'A_MPEG/XX' });
    const found = await probe(folder.tools, file);
    expect(found.audio).toMatchObject({ codec: 'aac', index: 2 });
    expect(found.technical?.counts.audio).toBe(2);
  });
});

describe('a title', () => {
  it('may hold what looks like the end of a line to some', async () => {
    const whole = await folder.clip('plain.mp4', small);
    const title = 'first\u2028second\u2029third\r\nfourth "fifth" \\';
    ffmpeg('-i', whole, '-c', 'copy', '-metadata', `title=${title}`, folder.at('titled-oddly.mp4'));
    expect((await probe(folder.tools, folder.at('titled-oddly.mp4'))).tags['title']).toBe(title);
  });
});

describe('a file that claims too much', () => {
  it('is refused for the number of its tracks, be they 65 or nearly a thousand', async () => {
    const tracks = Array.from({ length: 64 }, () => ['-map', '0:a']).flat();
    ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'anullsrc=r=8000:d=0.1',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=64x64:r=5:d=0.4',
        '-map',
        '1:v',
        ...tracks,
      ],
      ...['-c:a', 'pcm_s16le', '-c:v', 'mjpeg', folder.at('65.mkv')],
    );
    const manyTimes = Array.from({ length: 15 }, () => ['-map', '0']).flat();
    ffmpeg('-i', folder.at('65.mkv'), ...manyTimes, '-c', 'copy', folder.at('975.mkv'));
    for (const count of [65, 975]) {
      expect(await refusal(probe(folder.tools, folder.at(`${count}.mkv`)))).toEqual({
        code: 'over-limit',
        message: `The file has ${count} tracks; at most 64 are allowed.`,
      });
    }
  });

  it('is refused for the size of its picture', async () => {
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=17000x64:r=5:d=0.2', '-c:v', 'mjpeg', folder.at('wide.avi'));
    expect(await refusal(probe(folder.tools, folder.at('wide.avi')))).toEqual({
      code: 'over-limit',
      message: 'The file says that its picture is 17000 × 64 pixels; at most 16384 are allowed on a side.',
    });
  });

  it('is refused for the size that its header claims when no picture contradicts it', async () => {
    const whole = await folder.clip('plain.avi', { ...small, container: 'avi', codec: 'mpeg4', audio: false });
    const file = await reworded('claims.avi', whole, { FMP4: 'XYZW' });
    const bytes = await readFile(file);
    // BITMAPINFOHEADER: its own size, then the width.
    bytes.writeInt32LE(1_000_000, bytes.indexOf('strf') + 12);
    await writeFile(file, bytes);
    expect(await refusal(probe(folder.tools, file))).toEqual({
      code: 'over-limit',
      message: 'The file says that its picture is 1000000 × 120 pixels; at most 16384 are allowed on a side.',
    });
  });

  it('is refused for the length of its own description', async () => {
    const chapter = (at: number): string => `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${at}\nEND=${at + 1}\ntitle=${'x'.repeat(200)}\n`;
    await writeFile(folder.at('chapters.txt'), `;FFMETADATA1\n${Array.from({ length: 20_000 }, (_, i) => chapter(i)).join('')}`);
    const whole = await folder.clip('chapterless.mkv', { ...small, container: 'mkv' });
    ffmpeg(
      '-i',
      whole,
      '-i',
      folder.at('chapters.txt'),
      '-map',
      '0',
      '-map_chapters',
      '1',
      '-c',
      'copy',
      folder.at('chapters.mkv'),
    );
    expect(await refusal(probe(folder.tools, folder.at('chapters.mkv')))).toMatchObject({
      code: 'over-limit',
      message: expect.stringContaining('describes itself at more length') as string,
    });
  });

  it.each(['mp4', 'mkv'] as const)(
    'is refused for a title of many megabytes in a .%s, of which nothing is kept in memory',
    async (container) => {
      const whole = await folder.clip(`untitled.${container}`, { ...small, container, audio: false });
      const title = `;FFMETADATA1\ntitle=${'x'.repeat(12 << 20)}\n`;
      await writeFile(folder.at('title.txt'), title);
      ffmpeg('-i', whole, '-i', folder.at('title.txt'), '-map_metadata', '1', '-c', 'copy', folder.at(`titled.${container}`));
      expect(await refusal(probe(folder.tools, folder.at(`titled.${container}`)))).toMatchObject({ code: 'over-limit' });
    },
  );

  it('is given up for its signal as before', async () => {
    const whole = await folder.clip('stopped.mp4', small);
    expect(await refusal(probe(folder.tools, whole, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
  });
});
