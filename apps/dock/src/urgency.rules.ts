/** What decides which of several files goes first. */
export interface Urgency {
  readonly flagged: boolean;
  /** RFC 3339, UTC, milliseconds, "Z". */
  readonly recordedAt: string;
  readonly path: string;
}

export function urgencyOf(
  { flagged = false, recordedAt = '' }: { flagged?: boolean; recordedAt?: string },
  path: string,
): Urgency {
  return { flagged, recordedAt, path };
}

/** Flagged incidents first, then the oldest recording: it is the one that has been at risk longest. Total, so that an order never wavers. */
export function compareUrgency(one: Urgency, other: Urgency): number {
  if (one.flagged !== other.flagged) return one.flagged ? -1 : 1;
  return compareText(one.recordedAt, other.recordedAt) || compareText(one.path, other.path);
}

function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
