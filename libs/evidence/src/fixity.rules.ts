const DAY_MS = 86_400_000;
/** What a random 48-bit number is below. */
const PHASES = 2 ** 48;

/** FIXITY_DAYS in whole milliseconds. */
export function fixityPeriodMs(days: number): number {
  return Math.max(1, Math.round(days * DAY_MS));
}

/**
 * When a recording's stored version is hashed again: the first instant after `after` on a grid of one period, shifted by the recording's own
 * phase. So each is checked once in every period, however late the last check was, and those of one day are spread over all of it.
 * @param id UUIDv7: its last 48 bits are random
 * @returns later than `after`, by at most one period
 */
export function nextFixityDue(id: string, after: Date, periodMs: number): Date {
  const phase = Math.floor((parseInt(id.slice(-12), 16) / PHASES) * periodMs);
  return new Date((Math.floor((after.getTime() - phase) / periodMs) + 1) * periodMs + phase);
}

/** S3 stores keep a lock's end to the second. */
const LOCK_GRAIN_MS = 1000;

/** What was found under the sealed version's id. */
export interface FoundVersion {
  readonly size: number;
  readonly sha256: Buffer;
  /** Undefined when the version is not locked. */
  readonly lock: { readonly until: Date } | undefined;
}

/**
 * What is wrong with a stored version, as a sentence; undefined when it still is what was sealed.
 * @param lockedUntil as sealing locked it; null when that is no longer known, because the entry's payload was erased
 */
export function fixityProblem(
  sealed: { readonly size: number; readonly sha256: Buffer; readonly lockedUntil: Date | null },
  found: FoundVersion | undefined,
): string | undefined {
  if (found === undefined) return 'The object store no longer has the version that was sealed.';
  if (found.size !== sealed.size) return `The stored version has ${found.size} bytes; ${sealed.size} were sealed.`;
  if (!found.sha256.equals(sealed.sha256))
    return `The stored version's SHA-256 is ${found.sha256.toString('hex')}; ${sealed.sha256.toString('hex')} was sealed.`;
  if (found.lock === undefined) return 'The stored version is what was sealed, but it is no longer locked.';
  if (sealed.lockedUntil !== null && found.lock.until.getTime() + LOCK_GRAIN_MS <= sealed.lockedUntil.getTime())
    return `The stored version is what was sealed, but its lock ends on ${found.lock.until.toISOString()} instead of ${sealed.lockedUntil.toISOString()}.`;
  return undefined;
}
