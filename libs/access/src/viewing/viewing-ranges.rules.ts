import type { ByteSpan, DeliveredRange } from '#custody';

/** What is known of one file, or part of the original, that was sent in a viewing. */
export interface Delivery {
  readonly name: string;
  readonly startMs: number | null;
  readonly durationMs: number | null;
  /** Of the original: the place of the first byte asked for. */
  readonly firstByte?: number | null;
  readonly size: number;
  readonly sent: number | null;
}

export interface Delivered {
  /** Ascending, apart from each other: every moment of which any byte of the moving picture or the sound may have reached the viewer. */
  readonly delivered: readonly DeliveredRange[];
  /** Likewise of the poster and of the sheets that a seek bar shows: small pictures, seconds apart, of all that lies between. */
  readonly stills: readonly DeliveredRange[];
  readonly files: number;
  /** Counted as sent whole where it is not known how much was. */
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
    bytes: deliveries.reduce((sum, { sent, size }) => sum + (sent ?? size), 0),
    aborted: deliveries.filter(({ sent, size }) => sent !== size).length,
  };
}

/** In an entry; whoever fetches every other byte is not to make the record as long as the file. */
const MOST_SPANS = 1000;

/**
 * The bytes of the original that may have reached the viewer: ascending, apart from each other, both ends included. Where there would be more than
 * a thousand spans, those nearest to each other are joined: too much may be said of what somebody saw, never too little.
 */
export function originalSpans(deliveries: readonly Delivery[]): ByteSpan[] {
  const spans = mergeSpans(
    deliveries.flatMap(({ firstByte, size, sent }) => {
      const length = sent ?? size;
      return typeof firstByte === 'number' && length > 0 ? [{ first: firstByte, last: firstByte + length - 1 }] : [];
    }),
  );
  if (spans.length <= MOST_SPANS) return spans;
  const gaps = spans.slice(1).map(({ first }, i) => first - (spans[i]?.last ?? 0));
  // The widest gaps stay, fewer of them where several are as wide as the narrowest that could.
  const widest = gaps.toSorted((a, b) => b - a)[MOST_SPANS - 1] ?? 0;
  return spans.reduce((joined: ByteSpan[], { first, last }) => {
    const before = joined.at(-1);
    if (before === undefined || first - before.last > widest) joined.push({ first, last });
    else joined[joined.length - 1] = { first: before.first, last };
    return joined;
  }, []);
}

/** The same bytes in as few spans as will do: ascending, apart from each other. */
export function mergeSpans(all: readonly ByteSpan[]): ByteSpan[] {
  const spans: { first: number; last: number }[] = [];
  for (const { first, last } of all.toSorted((a, b) => a.first - b.first)) {
    const before = spans.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else spans.push({ first, last });
  }
  return spans;
}

/** Of a playback copy: its poster and the sheets of its seek bar. A preview's still shows the picture in full, and counts as played. */
export function isStill(name: string): boolean {
  return name.endsWith('.jpg');
}

/** The same moments (ends not included) in as few ranges as will do: ascending, apart from each other. */
export function mergeRanges(all: readonly DeliveredRange[]): DeliveredRange[] {
  const ranges: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of all.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = ranges.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else ranges.push({ fromMs, toMs });
  }
  return ranges;
}

function rangesOf(deliveries: readonly Delivery[]): DeliveredRange[] {
  return mergeRanges(
    deliveries
      .filter(({ startMs, durationMs, sent }) => startMs !== null && durationMs !== null && sent !== 0)
      .map(({ startMs, durationMs }) => ({ fromMs: startMs ?? 0, toMs: (startMs ?? 0) + (durationMs ?? 0) })),
  );
}
