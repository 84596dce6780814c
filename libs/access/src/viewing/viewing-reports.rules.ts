import type { CustodyEvent, DeliveredRange } from '#custody';
import { mergeRanges } from './viewing-ranges.rules.js';

/**
 * A player counts in the times of decoded frames, the service in those of segments, whole milliseconds of where they were cut: at either end
 * a report may be off by so much and still speak of what was sent. What goes on record is cut to what was sent.
 */
export const TOLERANCE_MS = 500;

/** What a player says it did since it last said so. */
export interface Reported {
  readonly played: readonly DeliveredRange[];
  readonly seeks: number;
  readonly pauses: number;
  readonly hiddenMs: number;
  readonly speedPercent: number;
}

/** Of `played` what was delivered; undefined when it speaks of anything else, by more than the tolerance. */
export function withinDelivered(
  played: readonly DeliveredRange[],
  delivered: readonly DeliveredRange[],
): DeliveredRange[] | undefined {
  const allowed = mergeRanges(
    delivered.map(({ fromMs, toMs }) => ({ fromMs: fromMs - TOLERANCE_MS, toMs: toMs + TOLERANCE_MS })),
  );
  const covers = (range: DeliveredRange): boolean =>
    allowed.some(({ fromMs, toMs }) => fromMs <= range.fromMs && range.toMs <= toMs);
  if (!played.every(covers)) return undefined;
  const both = mergeRanges(played).flatMap((range) =>
    mergeRanges(delivered).map(({ fromMs, toMs }) => ({
      fromMs: Math.max(fromMs, range.fromMs),
      toMs: Math.min(toMs, range.toMs),
    })),
  );
  return mergeRanges(both.filter(({ fromMs, toMs }) => fromMs < toMs));
}

/** Everything that was reported, whatever order it came in. */
export function totalOf(
  reports: readonly Reported[],
): NonNullable<Extract<CustodyEvent, { type: 'viewing.closed' }>['reported']> {
  const sum = (of: (report: Reported) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    played: mergeRanges(reports.flatMap(({ played }) => played)),
    seeks: sum(({ seeks }) => seeks),
    pauses: sum(({ pauses }) => pauses),
    hiddenMs: sum(({ hiddenMs }) => hiddenMs),
    fastestPercent: reports.reduce((most, { speedPercent }) => Math.max(most, speedPercent), 0),
  };
}
