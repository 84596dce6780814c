const LONGEST_S = 300;
/** Up to so much of a wait is taken off by chance, so that jobs which failed together do not come back together. */
const JITTER = 0.25;

/** Seconds until a job is tried again that has failed `failures` times. @param chance from 0 up to 1 */
export function waitAfter(failures: number, chance: number): number {
  const longest = Math.min(LONGEST_S, 2 ** Math.min(Math.max(failures, 1) - 1, 9));
  return longest * (1 - JITTER * chance);
}

/** How much more often a job that is never given up is begun, than one that is, although its worker dies. */
const PATIENCE = 10;

/** How often a job is begun although its worker dies of it. @param starts of one that is given up after some failures */
export function startsOf({ attempts }: { readonly attempts: number }, starts: number): number {
  return attempts === Infinity ? starts * PATIENCE : starts;
}
