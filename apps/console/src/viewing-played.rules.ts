/** Part of a recording, [fromMs, toMs), in whole milliseconds from its beginning. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Ascending, apart from each other, none empty. */
export type Ranges = readonly Range[];

/** Seconds as a player counts them. Rounded inwards: what is said to have been played may be a millisecond short, never long. */
export function fromSeconds(spans: readonly (readonly [from: number, to: number])[]): Ranges {
  return merge(spans.map(([from, to]) => ({ fromMs: Math.ceil(from * 1000), toMs: Math.floor(to * 1000) })));
}

export function merge(ranges: readonly Range[]): Ranges {
  const sorted = ranges.filter(({ fromMs, toMs }) => fromMs < toMs).sort((a, b) => a.fromMs - b.fromMs);
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else merged.push({ fromMs, toMs });
  }
  return merged;
}

/** What lies in both. */
export function common(a: Ranges, b: Ranges): Ranges {
  return merge(
    a.flatMap((one) => b.map((other) => ({ fromMs: Math.max(one.fromMs, other.fromMs), toMs: Math.min(one.toMs, other.toMs) }))),
  );
}

/** What lies in `all` and not in `known`. */
export function without(all: Ranges, known: Ranges): Ranges {
  return known.reduce<Ranges>(
    (rest, { fromMs, toMs }) =>
      rest.flatMap((range) =>
        range.toMs <= fromMs || range.fromMs >= toMs
          ? [range]
          : [
              { fromMs: range.fromMs, toMs: fromMs },
              { fromMs: toMs, toMs: range.toMs },
            ].filter((piece) => piece.fromMs < piece.toMs),
      ),
    all,
  );
}

/** Milliseconds in all. */
export function lengthOf(ranges: Ranges): number {
  return ranges.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}
