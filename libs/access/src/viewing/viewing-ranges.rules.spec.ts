import fc from 'fast-check';
import { mergeSpans, originalSpans, summarise, type Delivery } from './viewing-ranges.rules.js';

const segment = (startMs: number, durationMs: number, sent: number | null = 100, name = '720p-00000.m4s'): Delivery => ({
  name,
  startMs,
  durationMs,
  size: 100,
  sent,
});
const delivery: fc.Arbitrary<Delivery> = fc.record({
  name: fc.constantFrom('720p-00000.m4s', 'preview-1000', 'poster.jpg', 'sprite-000.jpg'),
  startMs: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 8 }),
  durationMs: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 8 }),
  size: fc.constant(100),
  sent: fc.option(fc.constantFrom(0, 1, 99, 100), { freq: 3 }),
});

/** The moments that a delivery may have shown, one by one: slow, and too simple to be wrong. */
function moments(deliveries: readonly Delivery[]): number[] {
  const shown = new Set<number>();
  for (const { startMs, durationMs, sent } of deliveries) {
    if (startMs === null || durationMs === null || sent === 0) continue;
    for (let at = startMs; at < startMs + durationMs; at++) shown.add(at);
  }
  return [...shown].sort((a, b) => a - b);
}

describe('what a viewing delivered', () => {
  it('is ranges that run forward, ascending and apart from each other', () => {
    fc.assert(
      fc.property(fc.array(delivery), (deliveries) => {
        const { delivered, stills } = summarise(deliveries);
        for (const ranges of [delivered, stills])
          ranges.forEach(({ fromMs, toMs }, i) => {
            expect(toMs).toBeGreaterThanOrEqual(fromMs);
            const before = ranges[i - 1];
            if (before !== undefined) expect(fromMs).toBeGreaterThan(before.toMs);
          });
      }),
    );
  });

  it('covers exactly the moments of which a byte may have reached the viewer', () => {
    fc.assert(
      fc.property(fc.array(delivery), (deliveries) => {
        const { delivered, stills } = summarise(deliveries);
        const covered = (ranges: typeof delivered): number[] =>
          ranges.flatMap(({ fromMs, toMs }) => Array.from({ length: toMs - fromMs }, (_, i) => fromMs + i));
        const still = (each: Delivery): boolean => ['poster.jpg', 'sprite-000.jpg'].includes(each.name);
        expect(covered(delivered)).toEqual(moments(deliveries.filter((each) => !still(each))));
        expect(covered(stills)).toEqual(moments(deliveries.filter(still)));
      }),
    );
  });

  it('does not depend on the order in which the files went out', () => {
    const pair = fc
      .array(delivery)
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(fc.property(pair, ([all, shuffled]) => expect(summarise(shuffled)).toEqual(summarise(all))));
  });

  it('joins segments that touch and keeps a gap', () => {
    expect(summarise([segment(4000, 4000), segment(0, 4000), segment(12_000, 4000)]).delivered).toEqual([
      { fromMs: 0, toMs: 8000 },
      { fromMs: 12_000, toMs: 16_000 },
    ]);
  });

  it('tells stills from what was played: a sheet shows the span that it covers, the poster its moment', () => {
    const sent = [segment(0, 4000), segment(0, 100_000, 100, 'sprite-000.jpg'), segment(12_000, 34, 1, 'poster.jpg')];
    expect(summarise(sent)).toMatchObject({ delivered: [{ fromMs: 0, toMs: 4000 }], stills: [{ fromMs: 0, toMs: 100_000 }] });
    expect(summarise(sent.slice(2))).toMatchObject({ delivered: [], stills: [{ fromMs: 12_000, toMs: 12_034 }] });
  });

  it('counts a segment as seen from its first byte on, also when its end is not known, and not when no byte of it was sent', () => {
    expect(summarise([segment(0, 4000, 1)]).delivered).toEqual([{ fromMs: 0, toMs: 4000 }]);
    expect(summarise([segment(0, 4000, null)]).delivered).toEqual([{ fromMs: 0, toMs: 4000 }]);
    expect(summarise([segment(0, 4000, 0)]).delivered).toEqual([]);
  });

  it('sums files, bytes and what did not go out whole, playlists included; what is not known counts as sent', () => {
    const playlist: Delivery = { name: 'playlist.m3u8', startMs: null, durationMs: null, size: 50, sent: 50 };
    expect(summarise([playlist, segment(0, 4000), segment(4000, 4000, 7), segment(8000, 4000, null)])).toEqual({
      delivered: [{ fromMs: 0, toMs: 12_000 }],
      stills: [],
      files: 4,
      bytes: 257,
      aborted: 2,
    });
    expect(summarise([])).toEqual({ delivered: [], stills: [], files: 0, bytes: 0, aborted: 0 });
  });
});

describe('what of an original was delivered', () => {
  const part = fc.record({
    name: fc.constant('original'),
    startMs: fc.constant(null),
    durationMs: fc.constant(null),
    firstByte: fc.option(fc.nat(60), { freq: 8 }),
    size: fc.nat(20),
    sent: fc.option(fc.nat(20)),
  });

  it('is exactly the bytes that may have reached the viewer, in spans apart from each other', () => {
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const sent = new Set<number>();
        for (const { firstByte, size, sent: length } of parts)
          if (firstByte !== null) for (let i = 0; i < (length ?? size); i++) sent.add(firstByte + i);
        const spans = originalSpans(parts);
        const covered = spans.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
        expect(covered).toEqual([...sent].sort((a, b) => a - b));
        spans.forEach(({ first }, i) => expect(first).toBeGreaterThan((spans[i - 1]?.last ?? -2) + 1));
      }),
    );
  });

  it('joins spans that touch, and does not depend on their order', () => {
    expect(
      mergeSpans([
        { first: 10, last: 19 },
        { first: 0, last: 9 },
        { first: 21, last: 21 },
      ]),
    ).toEqual([
      { first: 0, last: 19 },
      { first: 21, last: 21 },
    ]);
  });

  it('is at most a thousand spans, which leave out nothing that was sent and keep the widest gaps', () => {
    const bytes = (at: number): Delivery => ({
      ...segment(0, 0, 1, 'original'),
      startMs: null,
      durationMs: null,
      firstByte: at,
      size: 1,
    });
    const places = Array.from({ length: 5000 }, (_, i) => i * 2 + (i >= 2500 ? 1_000_000 : 0));
    const spans = originalSpans(places.map(bytes));
    expect(spans.length).toBeLessThanOrEqual(1000);
    expect(places.every((at) => spans.some(({ first, last }) => first <= at && at <= last))).toBe(true);
    expect(spans).toEqual([
      { first: 0, last: 4998 },
      { first: 1_005_000, last: 1_009_998 },
    ]);
    expect(originalSpans(places.slice(0, 1000).map(bytes))).toHaveLength(1000);
  });

  it('counts what is under way, or whose end nobody knows, as sent whole', () => {
    const place = { name: 'original', startMs: null, durationMs: null };
    expect(originalSpans([{ ...place, firstByte: 100, size: 50, sent: null }])).toEqual([{ first: 100, last: 149 }]);
    expect(originalSpans([{ ...place, firstByte: 100, size: 50, sent: 1 }])).toEqual([{ first: 100, last: 100 }]);
    expect(originalSpans([{ ...place, firstByte: 100, size: 50, sent: 0 }])).toEqual([]);
    expect(originalSpans([{ ...place, firstByte: 0, size: 0, sent: null }])).toEqual([]);
  });
});
