import type { WriteStream } from 'node:tty';
import { mebibytes, percent, progressLines, type UnderWay } from './progress.rules.js';

const DRAW_EVERY_MS = 100;
const SAME_TROUBLE_MS = 5000;

/** How far things are, on standard error: a block of lines that move on a terminal, a plain line at each quarter elsewhere. */
export class Progress {
  private readonly files = new Map<string, UnderWay & { quarter: number }>();
  private readonly told = new Map<string, number>();
  private shownAt = 0;
  private linesOpen = 0;

  constructor(
    private readonly out: Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number; rows?: number } = process.stderr,
  ) {}

  /** A sentence of its own line. */
  say(sentence: string): void {
    this.erase();
    this.out.write(`${sentence}\n`);
  }

  /** As `say`, but not the same kind of trouble again within five seconds: four parts fail at once when a server goes. */
  trouble(sentence: string): void {
    const kind = sentence.split(';')[0] ?? sentence;
    const now = performance.now();
    if (now - (this.told.get(kind) ?? -Infinity) < SAME_TROUBLE_MS) return;
    this.told.set(kind, now);
    this.say(sentence);
  }

  /** @param what "hashing clip.mp4", "sending clip.mp4" */
  begin(what: string, total: number, done = 0): void {
    const quarter = Math.floor((4 * done) / Math.max(total, 1));
    this.files.set(what, { what, total, done, quarter, beganAt: performance.now(), doneAtBegin: done });
  }

  advance(what: string, bytes: number): void {
    const file = this.files.get(what);
    if (file === undefined) return;
    file.done += bytes;
    if (this.out.isTTY === true) this.draw();
    else this.tellQuarter(file);
  }

  end(what: string): void {
    this.files.delete(what);
    if (this.out.isTTY === true) this.draw(true);
  }

  private draw(atOnce = false): void {
    const now = performance.now();
    if (!atOnce && now - this.shownAt < DRAW_EVERY_MS) return;
    this.shownAt = now;
    this.erase();
    const room = { columns: this.out.columns ?? 80, rows: Math.max(2, (this.out.rows ?? 24) - 2) };
    const lines = progressLines([...this.files.values()], now, room);
    if (lines.length > 0) this.out.write(`${lines.join('\n')}\n`);
    this.linesOpen = lines.length;
  }

  private erase(): void {
    if (this.linesOpen > 0) this.out.write(`\x1b[${String(this.linesOpen)}A\x1b[J`);
    this.linesOpen = 0;
  }

  private tellQuarter(file: UnderWay & { quarter: number }): void {
    const quarter = Math.floor((4 * file.done) / Math.max(file.total, 1));
    if (quarter <= file.quarter) return;
    file.quarter = quarter;
    this.say(`${file.what} ${percent(file.done, file.total)} of ${mebibytes(file.total)}`);
  }
}
