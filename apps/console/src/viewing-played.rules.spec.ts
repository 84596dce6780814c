import fc from 'fast-check';
import { common, fromSeconds, lengthOf, merge, without, type Range, type Ranges } from './viewing-played.rules.js';

const END = 60;
const someRanges = fc.array(
  fc.tuple(fc.nat(END), fc.nat(END)).map(([a, b]): Range => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) })),
  { maxLength: 8 },
);

/** Each millisecond by itself, which cannot be got wrong. */
function milliseconds(ranges: readonly Range[]): Set<number> {
  return new Set(ranges.flatMap(({ fromMs, toMs }) => Array.from({ length: toMs - fromMs }, (_, i) => fromMs + i)));
}

function expectOrderly(ranges: Ranges): void {
  let end = -1;
  for (const { fromMs, toMs } of ranges) {
    expect(fromMs).toBeGreaterThan(end);
    expect(toMs).toBeGreaterThan(fromMs);
    end = toMs;
  }
}

describe('what was played of a recording', () => {
  it('is merged into ranges that cover the same moments, once each', () => {
    fc.assert(
      fc.property(someRanges, (ranges) => {
        const merged = merge(ranges);
        expectOrderly(merged);
        expect(milliseconds(merged)).toEqual(milliseconds(ranges));
        expect(lengthOf(merged)).toBe(milliseconds(ranges).size);
      }),
    );
  });

  it('is reported only as far as it was fetched, and only once', () => {
    fc.assert(
      fc.property(someRanges, someRanges, someRanges, (played, fetched, reported) => {
        const [are, were] = [milliseconds(fetched), milliseconds(reported)];
        const news = without(common(merge(played), merge(fetched)), merge(reported));
        expectOrderly(news);
        expect(milliseconds(news)).toEqual(new Set([...milliseconds(played)].filter((ms) => are.has(ms) && !were.has(ms))));
      }),
    );
  });

  it('is rounded inwards, never beyond what the player says', () => {
    expect(
      fromSeconds([
        [0.0004, 1.9999],
        [3, 3.0005],
      ]),
    ).toEqual([{ fromMs: 1, toMs: 1999 }]);
  });
});
