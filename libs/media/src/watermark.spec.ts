import fc from 'fast-check';
import type { Probe } from './ffprobe-report.js';
import { letterSize, markedArguments, markText } from './watermark.js';

const PROBE = {
  durationMs: 4000,
  video: { index: 0, width: 321, height: 180, frameRate: '15/1' },
  audio: null,
} as unknown as Probe;
const size = fc.record({ width: fc.integer({ min: 32, max: 4000 }), height: fc.integer({ min: 32, max: 4000 }) });
const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { minLength: 1, maxLength: 3 });

describe('the text of a mark', () => {
  it('fits into the picture, and never loses its last line', () => {
    fc.assert(
      fc.property(lines, size, (given, picture) => {
        const id = 'Disclosure 01a20035-1ddb-77fa-8568-5b5cbcb997b4';
        const set = markText([...given, id], picture).split('\n');
        const most = Math.max(8, Math.floor(picture.width / (letterSize(picture) * 0.68)) - 2);
        for (const line of set) expect(Array.from(line).length).toBeLessThanOrEqual(most);
        expect(set.join('').replaceAll(' ', '').endsWith(id.replaceAll(' ', ''))).toBe(true);
      }),
    );
  });

  it('leaves out the end of a name that would fill the picture, and shows that it did', () => {
    const set = markText(['x'.repeat(5000), 'Disclosure 7'], { width: 320, height: 180 }).split('\n');
    expect(set.length).toBeLessThanOrEqual(8);
    expect(set.at(-2)).toMatch(/…$/);
    expect(set.at(-1)).toBe('Disclosure 7');
  });
});

describe('what ffmpeg is told for a marked copy', () => {
  it('is the same whoever it is for: their name is in a file', () => {
    const { options } = markedArguments(PROBE, { fromMs: 0, toMs: 1000 }, '/tmp/out.mp4');
    const graphs = options.filter((option) => option.includes('drawtext='));
    expect(graphs).toHaveLength(1);
    expect(graphs[0]).toMatch(/:textfile=mark\.txt:expansion=none:.*\[picture\]$/);
    expect(options).toContain('[picture]');
    expect(options.join(' ')).toContain('-map_metadata -1');
  });
});
