/** Answers that say nothing about the request itself: the same request may well succeed later. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

const FIRST_MS = 250;
const LONGEST_MS = 15_000;
/** A date far off, or one of a wrong clock, must not keep files here for days; and a timer of over 24 days fires at once. */
const MOST_ASKED_MS = 3_600_000;

/**
 * Milliseconds to wait before the next try. Doubles with each failure up to 15 s, and is drawn from the upper half of that, so that
 * forty docks that lost the same server do not come back at the same moment. Never earlier than the server asked for.
 * @param failures how many tries have failed, from 1
 * @param random from 0 to 1
 */
export function waitMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(retryAfterMs, Math.round(ceiling * (0.5 + random / 2)));
}

/** Milliseconds that a Retry-After header asks for, an hour at most; 0 when it is missing, past or unreadable. RFC 9110 §10.2.3 */
export function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Math.min(MOST_ASKED_MS, Number(header.trim()) * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.min(MOST_ASKED_MS, Math.max(0, at - now));
}
