/** Something that is being read or sent. */
export interface UnderWay {
  /** "hashing clip.mp4", "sending clip.mp4" */
  readonly what: string;
  /** Bytes. */
  readonly total: number;
  done: number;
  /** Milliseconds, of the same clock as `now`. */
  readonly beganAt: number;
  readonly doneAtBegin: number;
}

/** One line for each, none wider than the terminal; those that have no room are counted in the last line. */
export function progressLines(
  files: readonly UnderWay[],
  now: number,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const shown = files.length > rows ? files.slice(0, rows - 1) : files;
  const lines = shown.map((file) => {
    const seconds = (now - file.beganAt) / 1000;
    const speed = seconds < 0.5 ? '' : `, ${mebibytes((file.done - file.doneAtBegin) / seconds)}/s`;
    const numbers = ` ${percent(file.done, file.total).padStart(5)} of ${mebibytes(file.total)}${speed}`;
    return `${fitted(file.what, columns - 1 - numbers.length)}${numbers}`.slice(0, Math.max(1, columns - 1));
  });
  return shown.length === files.length
    ? lines
    : [...lines, `and ${String(files.length - shown.length)} more`.slice(0, Math.max(1, columns - 1))];
}

export function percent(done: number, total: number): string {
  return `${String(Math.floor((100 * done) / Math.max(total, 1)))} %`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The end of a name tells recordings apart, so the middle goes; a control character of a hostile name must not move the cursor. */
function fitted(text: string, width: number): string {
  const shown = text.replace(/\p{Cc}/gu, '?');
  if (shown.length <= width) return shown.padEnd(Math.max(0, width));
  const left = Math.max(0, Math.floor((width - 1) / 2));
  return width < 3 ? '' : `${shown.slice(0, left)}…${shown.slice(shown.length - (width - 1 - left))}`;
}
