import type { WriteStream } from 'node:tty';

/** How far an upload is, on standard error: one line that moves on a terminal, a plain line at each quarter elsewhere. */
export class Progress {
  private readonly files = new Map<string, { total: number; done: number; quarter: number }>();
  private readonly told = new Map<string, number>();
  private shownAt = 0;
  private lineOpen = false;

  constructor(private readonly out: Pick<WriteStream, 'write'> & { isTTY?: boolean } = process.stderr) {}

  /** A sentence of its own line. */
  say(sentence: string): void {
    if (this.lineOpen) this.out.write('\r\x1b[K');
    this.lineOpen = false;
    this.out.write(`${sentence}\n`);
  }

  /** As `say`, but not the same kind of trouble again within five seconds: four parts fail at once when a server goes. */
  trouble(sentence: string): void {
    const kind = sentence.split(';')[0] ?? sentence;
    const now = performance.now();
    if (now - (this.told.get(kind) ?? -Infinity) < 5000) return;
    this.told.set(kind, now);
    this.say(sentence);
  }

  /** @param what "hashing clip.mp4", "sending clip.mp4" */
  begin(what: string, total: number, done = 0): void {
    this.files.set(what, { total, done, quarter: Math.floor((4 * done) / Math.max(total, 1)) });
  }

  advance(what: string, bytes: number): void {
    const file = this.files.get(what);
    if (file === undefined) return;
    file.done += bytes;
    if (this.out.isTTY === true) this.draw(what, file);
    else this.tellQuarter(what, file);
  }

  private draw(what: string, { done, total }: { done: number; total: number }): void {
    const now = performance.now();
    if (now - this.shownAt < 100 && done < total) return;
    this.shownAt = now;
    this.lineOpen = true;
    this.out.write(`\r${what} ${percent(done, total)} of ${mebibytes(total)}\x1b[K`);
  }

  private tellQuarter(what: string, file: { done: number; total: number; quarter: number }): void {
    const quarter = Math.floor((4 * file.done) / Math.max(file.total, 1));
    if (quarter <= file.quarter) return;
    file.quarter = quarter;
    this.say(`${what} ${percent(file.done, file.total)} of ${mebibytes(file.total)}`);
  }
}

function percent(done: number, total: number): string {
  return `${String(Math.floor((100 * done) / Math.max(total, 1)))} %`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
