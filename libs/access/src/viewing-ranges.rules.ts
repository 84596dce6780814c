import type { DeliveredRange } from '#custody';

/** What is known of one file that was sent in a viewing. */
export interface Delivery {
  readonly name: string;
  readonly startMs: number | null;
  readonly durationMs: number | null;
  readonly size: number;
  readonly sent: number | null;
}

export interface Delivered {
  /** Ascending, apart from each other: every moment of which any byte of the moving picture or the sound may have reached the viewer. */
  readonly delivered: readonly DeliveredRange[];
  /** Likewise of the poster and of the sheets that a seek bar shows: small pictures, seconds apart, of all that lies between. */
  readonly stills: readonly DeliveredRange[];
  readonly files: number;
  readonly bytes: number;
  /** Files that did not go out whole, as far as we know. */
  readonly aborted: number;
}

/**
 * Sums up a viewing from what the service itself sent. A segment counts as seen from its first byte on, also when its end is unknown:
 * the record may say too much of what somebody saw, never too little.
 */
export function summarise(deliveries: readonly Delivery[]): Delivered {
  return {
    delivered: rangesOf(deliveries.filter(({ name }) => !isStill(name))),
    stills: rangesOf(deliveries.filter(({ name }) => isStill(name))),
    files: deliveries.length,
    bytes: deliveries.reduce((sum, { sent }) => sum + (sent ?? 0), 0),
    aborted: deliveries.filter(({ sent, size }) => sent !== size).length,
  };
}

/** Of a playback copy: its poster and the sheets of its seek bar. A preview's still shows the picture in full, and counts as played. */
export function isStill(name: string): boolean {
  return name.endsWith('.jpg');
}

function rangesOf(deliveries: readonly Delivery[]): DeliveredRange[] {
  const spans = deliveries
    .filter(({ startMs, durationMs, sent }) => startMs !== null && durationMs !== null && sent !== 0)
    .map(({ startMs, durationMs }) => ({ fromMs: startMs ?? 0, toMs: (startMs ?? 0) + (durationMs ?? 0) }))
    .sort((a, b) => a.fromMs - b.fromMs);
  const ranges: { fromMs: number; toMs: number }[] = [];
  for (const span of spans) {
    const last = ranges.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs);
    else ranges.push(span);
  }
  return ranges;
}
