import type { Readable } from 'node:stream';

/**
 * Characters of a line that are kept. A file may carry a title of half a gigabyte, which ffprobe writes on one line: longer than a string
 * may be, and than memory should. Whoever reads a report counts, and refuses one that comes near.
 */
export const LONGEST_LINE = 9 << 20;

/**
 * Lines of a tool's output as they come, in constant memory. Ended by LF alone: node:readline also takes U+2028 for an end, which a title may
 * hold, and that would tear a JSON string in two.
 */
export function eachLine(output: Readable, onLine: (line: string) => void, longest = LONGEST_LINE): void {
  let kept: string[] = [];
  let room = longest;
  const add = (piece: string): void => {
    if (room <= 0 || piece === '') return;
    kept.push(piece.slice(0, room));
    room -= piece.length;
  };
  const end = (): void => {
    const line = kept.join('');
    kept = [];
    room = longest;
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  };
  output.setEncoding('utf8');
  output.on('data', (chunk: string) => {
    let from = 0;
    for (let to = chunk.indexOf('\n'); to !== -1; to = chunk.indexOf('\n', from)) {
      add(chunk.slice(from, to));
      end();
      from = to + 1;
    }
    add(chunk.slice(from));
  });
  output.on('end', () => {
    if (kept.length > 0) end();
  });
}
