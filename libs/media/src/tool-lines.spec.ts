import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { eachLine } from './tool-lines.js';

async function linesOf(chunks: readonly (string | Buffer)[], longest?: number): Promise<string[]> {
  const lines: string[] = [];
  const output = Readable.from(
    chunks.map((chunk) => Buffer.from(chunk as string)),
    { objectMode: false },
  );
  eachLine(output, (line) => lines.push(line), longest);
  await finished(output);
  return lines;
}

describe('eachLine', () => {
  it('gives back every line, wherever the output is cut into pieces, be it inside a character', async () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
        expect(await linesOf(chunks)).toEqual(lines);
      }),
    );
  });

  it('ends a line at LF or CR LF and nowhere else, and gives the last one without an end', async () => {
    expect(await linesOf(['a\r\nb\u2028c\u2029d\re\n\nf'])).toEqual(['a', 'b\u2028c\u2029d\re', '', 'f']);
  });

  it('keeps no more of a line than allowed, and all of the next', async () => {
    expect(await linesOf(['aaaa', 'aaaa', 'aaaa\nbb\n', 'cccccc'], 5)).toEqual(['aaaaa', 'bb', 'ccccc']);
  });
});
