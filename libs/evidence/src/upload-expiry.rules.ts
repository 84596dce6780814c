/** Since when nothing was added to an upload. @param newestPart when its newest part arrived; null when none has */
export function idleSince(announcedAt: Date, newestPart: Date | null): Date {
  return newestPart !== null && newestPart > announcedAt ? newestPart : announcedAt;
}

/** Uploads to which nothing was added since then are given up. */
export function expiryLimit(now: Date, idleHours: number): Date {
  return new Date(now.getTime() - idleHours * 3_600_000);
}

/** What its sender and whoever looks at it are told. */
export function whyExpired(idle: Date, received: number, missing: number): string {
  const what = missing === 1 ? 'was' : 'were';
  return `Nothing of it arrived after ${idle.toISOString()}; ${missing} of its ${received + missing} parts ${what} still missing. Announce the file again to send it.`;
}
