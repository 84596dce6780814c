import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { probe } from './probe.js';
import { ClipFolder } from './testing/clip-folder.js';
import { renderMarkedCopy } from './watermark.js';

const ID = 'Disclosure 01a20035-1ddb-77fa-8568-5b5cbcb997b4';

describe('a marked copy', () => {
  const folder = new ClipFolder();
  let clip: string;
  beforeAll(async () => {
    clip = await folder.clip('clip.mp4', { seconds: 2 });
  }, 60_000);
  afterAll(() => folder.remove());

  async function marked(name: string, lines: readonly string[], clipped?: { fromMs: number; toMs: number }): Promise<string> {
    const out = folder.at(name);
    const part = clipped === undefined ? {} : { clip: clipped };
    await renderMarkedCopy(folder.tools, { file: clip, probe: await probe(folder.tools, clip), lines, ...part, out });
    return out;
  }

  /** Brightness of the pixels of the picture shown at a time. */
  async function grey(file: string, seconds: number): Promise<Buffer> {
    const out = folder.at('grey.raw');
    const from = ['-y', '-loglevel', 'error', '-ss', String(seconds), '-i', file];
    await promisify(execFile)(folder.tools.ffmpeg, [...from, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', out]);
    return readFile(out);
  }

  it.each([
    ['a plain name', 'Released to Dana Defender, Defender & Sons'],
    ['what a filter would take for its own words', "Released to ':text=x,drawtext=textfile=/etc/passwd [a];\\n %{pts} {\\an8}"],
    ['letters that run from right to left', 'Released to שלום עליכם, مرحبا'],
    ['a name of a thousand letters', `Released to ${'Ø'.repeat(1000)}`],
  ])(
    'has %s in every picture',
    async (_, line) => {
      const out = await marked('marked.mp4', [line, ID]);
      const [width, height] = [320, 240];
      for (const seconds of [0, 1.5]) {
        const [before, after] = [await grey(clip, seconds), await grey(out, seconds)];
        expect(after.length).toBe(width * height);
        const different = (from: number, to: number): number => {
          let count = 0;
          for (let i = from * width; i < to * width; i++) if (Math.abs((before[i] ?? 0) - (after[i] ?? 0)) > 60) count += 1;
          return count;
        };
        // Letters at the bottom, and the upper part of the picture as it was.
        expect(different(height - 50, height)).toBeGreaterThan(300);
        expect(different(0, 60)).toBeLessThan(50);
      }
    },
    60_000,
  );

  it('is as long as the part that was asked for, holds no metadata, and comes out the same again', async () => {
    const part = { fromMs: 500, toMs: 1500 };
    const [first, again] = [await marked('first.mp4', [ID], part), await marked('again.mp4', [ID], part)];
    const found = await probe(folder.tools, first);
    expect(Math.abs(found.durationMs - 1000)).toBeLessThan(150);
    // What the muxer says of itself.
    const own = /brand|minor_version|encoder|handler_name|language|vendor_id/;
    expect(Object.keys(found.tags).filter((tag) => !own.test(tag))).toEqual([]);
    const sha256 = async (file: string): Promise<string> =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
    expect(await sha256(again)).toBe(await sha256(first));
  }, 60_000);

  it('is none of a part in which no picture begins, and nothing is left behind', async () => {
    await expect(marked('none.mp4', [ID], { fromMs: 1_999_000, toMs: 1_999_001 })).rejects.toThrow();
    await expect(readFile(folder.at('none.mp4'))).rejects.toThrow(/ENOENT/);
  }, 60_000);
});
