/** Together with the longest time that may be configured less than two minutes: that long a viewing that died may stay open. */
export const LOOK_EVERY_MS = 2000;
/** What a viewing without a right to go on may still be sending is cut off by then, and counted. */
const QUIET_MS = 7000;

/** The moments by which it is told, now, what is to be done about open viewings. */
export function momentsAt(
  now: Date,
  { idleSeconds, progressSeconds }: { readonly idleSeconds: number; readonly progressSeconds: number },
): {
  /** Without a sign of life since then a viewing is over. */
  readonly idleSince: Date;
  /** So is one that gave its last sign of life later than that: a clock was set back since, and would keep it open for as long. */
  readonly aheadOf: Date;
  /** So is one that has no right to go on, and was quiet since then. */
  readonly quietSince: Date;
  /** What was not put on record since then is to be. */
  readonly unrecordedSince: Date;
} {
  const ago = (ms: number): Date => new Date(now.getTime() - ms);
  return {
    idleSince: ago(idleSeconds * 1000),
    aheadOf: ago(-idleSeconds * 1000),
    quietSince: ago(QUIET_MS),
    unrecordedSince: ago(progressSeconds * 1000),
  };
}
