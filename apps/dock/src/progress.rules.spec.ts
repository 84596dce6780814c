import fc from 'fast-check';
import { Progress } from './progress.js';
import { progressLines } from './progress.rules.js';

const underWay = fc.record({
  what: fc.string({ maxLength: 200, unit: 'grapheme-ascii' }),
  total: fc.nat(),
  done: fc.nat(),
  beganAt: fc.nat(),
  doneAtBegin: fc.nat(),
});

it('progress never takes more lines than there are, nor a line more columns', () => {
  fc.assert(
    fc.property(
      fc.array(underWay, { maxLength: 30 }),
      fc.integer({ min: 2, max: 200 }),
      fc.integer({ min: 2, max: 20 }),
      (files, columns, rows) => {
        const lines = progressLines(files, 1e9, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThan(columns);
      },
    ),
  );
});

it('a hostile file name cannot steer the terminal', () => {
  const file = { what: 'sending \x1b[2Jx.mp4', total: 10, done: 5, beganAt: 0, doneAtBegin: 0 };
  expect(progressLines([file], 1000, { columns: 80, rows: 5 }).join()).not.toContain('\x1b');
});

it('redraws several files in place on a terminal, and tells quarters in plain lines elsewhere', () => {
  const [terminal, pipe]: [string[], string[]] = [[], []];
  const shown = new Progress({ write: (text: string) => terminal.push(text) > 0, isTTY: true, columns: 80, rows: 24 });
  const told = new Progress({ write: (text: string) => pipe.push(text) > 0 });
  for (const progress of [shown, told]) {
    for (const name of ['sending a.mp4', 'sending b.mp4']) progress.begin(name, 100);
    for (let i = 0; i < 100; i += 1) progress.advance('sending a.mp4', 1);
    progress.end('sending a.mp4');
    progress.end('sending b.mp4');
    progress.say('done');
  }
  expect(terminal[0]?.split('\n')).toHaveLength(3);
  expect(terminal.at(-2)).toBe('\x1b[1A\x1b[J');
  expect(pipe).toEqual([...[25, 50, 75, 100].map((n) => `sending a.mp4 ${String(n)} % of 0.0 MiB\n`), 'done\n']);
});
