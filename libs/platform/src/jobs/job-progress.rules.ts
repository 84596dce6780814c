/** Progress is written down at most this often. */
export const WRITTEN_EVERY_MS = 2000;

/**
 * What is shown after `reported` (percent, as whoever works says it; anything at all may come): a whole number from 0 to 99 that never goes
 * back. Only a job that is done has done all of it.
 */
export function shownPercent(before: number, reported: number): number {
  const whole = Number.isNaN(reported) ? 0 : Math.floor(Math.min(99, Math.max(0, reported)));
  return Math.max(before, whole);
}

export interface Pace {
  readonly startedAt: Date;
  /** When `percent` was reached. */
  readonly progressedAt: Date;
  readonly percent: number;
}

/**
 * Whole seconds until it is done if it goes on as it went so far; null while there is no pace to go by. Between two reports it counts down,
 * and stays at 0 when the work takes longer.
 */
export function secondsLeft({ startedAt, progressedAt, percent }: Pace, now: Date): number | null {
  const took = progressedAt.getTime() - startedAt.getTime();
  if (!(percent > 0) || !(took > 0)) return null;
  const left = (took / percent) * (100 - percent) - Math.max(0, now.getTime() - progressedAt.getTime());
  return Math.max(0, Math.ceil(left / 1000));
}
