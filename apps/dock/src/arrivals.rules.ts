/** How long a file has looked the same. */
export interface Sighting {
  readonly size: number;
  readonly modifiedMs: number;
  /** Milliseconds, when it was first seen with this size and time of change. */
  readonly sinceMs: number;
  readonly lastMs: number;
}

export function sighted(
  before: Sighting | undefined,
  { size, modifiedMs }: { readonly size: number; readonly modifiedMs: number },
  nowMs: number,
): Sighting {
  const isSame = before?.size === size && before.modifiedMs === modifiedMs;
  return { size, modifiedMs, sinceMs: isSame ? before.sinceMs : nowMs, lastMs: nowMs };
}

/** Two looks so far apart saw the same size and time of change: whoever copied it has finished, or pauses for longer than cards do. */
export function hasArrived({ sinceMs, lastMs }: Sighting, settleMs: number): boolean {
  return lastMs > sinceMs && lastMs - sinceMs >= settleMs;
}

/** @param list "mp4,.MOV *.mkv" */
export function extensionsIn(list: string): string[] {
  return list
    .split(/[\s,]+/)
    .map((each) => each.replace(/^\*?\.?/, '').toLowerCase())
    .filter((each) => each !== '');
}

/** By its name alone. Hidden files are left out: copying programs write under such names until they have finished. */
export function isVideo(name: string, extensions: readonly string[]): boolean {
  const dot = name.lastIndexOf('.');
  return !name.startsWith('.') && dot > 0 && extensions.includes(name.slice(dot + 1).toLowerCase());
}
