/** A clock that is said to be further off than a hundred years says nothing; without a bound the sum would be no time at all. */
const MOST_OFFSET_MS = 36_525 * 86_400_000;

/** When it was recorded, by the dock's clock: the camera's time less how far it was ahead. */
export function trueTime({ recordedAt, clockOffsetMs }: { readonly recordedAt: Date; readonly clockOffsetMs: number }): Date {
  return new Date(recordedAt.getTime() - Math.min(Math.max(clockOffsetMs, -MOST_OFFSET_MS), MOST_OFFSET_MS));
}

/** The same of a row of `recordings`, in SQL. */
export const TRUE_TIME = `recorded_at - least(greatest(clock_offset_ms, -${MOST_OFFSET_MS}), ${MOST_OFFSET_MS}) * interval '1 millisecond'`;
