import type { JournalEntry } from './journal-entry.js';
import { mebibytes } from './progress.rules.js';

const HEAD = ['STATE', 'SENT', 'SIZE', 'CAMERA', 'FILE', 'RECORDING', 'SINCE', 'TROUBLE'];

/** How much of it the server has, whole percent; never 100 before it has all. */
export function percentOf({ state, size, sentBytes }: Pick<JournalEntry, 'state' | 'size' | 'sentBytes'>): number {
  if (['sealing', 'sealed', 'erased', 'quarantined', 'duplicate'].includes(state)) return 100;
  return size === 0 ? 0 : Math.min(99, Math.floor((100 * sentBytes) / size));
}

/** Columns as wide as what stands in them; the last one, what a person has to read, may be as long as it is. */
export function statusTable(entries: readonly JournalEntry[]): string {
  if (entries.length === 0) return 'Nothing is under way.\n';
  const rows = [HEAD, ...entries.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

function rowOf(entry: JournalEntry): string[] {
  const { state, size, file, path, recording = '-', since, trouble = '' } = entry;
  const cells = [
    state.replace('-', ' '),
    `${String(percentOf(entry))} %`,
    mebibytes(size),
    file?.camera ?? '-',
    file?.flagged === true ? `${path} (flagged)` : path,
    recording,
    since,
    trouble,
  ];
  // A hostile file name must not steer the terminal
  return cells.map((cell) => cell.replace(/\p{Cc}/gu, '?'));
}
