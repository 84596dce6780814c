import fc from 'fast-check';
import { TOLERANCE_MS, totalOf, withinDelivered, type Reported } from './viewing-reports.rules.js';

const range = fc
  .tuple(fc.nat(20_000), fc.integer({ min: 1, max: 4000 }))
  .map(([fromMs, length]) => ({ fromMs, toMs: fromMs + length }));
const ranges = fc.array(range, { maxLength: 6 });
type Ranges = readonly { fromMs: number; toMs: number }[];

const covers = (all: Ranges, at: number): boolean => all.some(({ fromMs, toMs }) => fromMs <= at && at < toMs);
/** Every place where anything can change, a millisecond before and after it. */
const places = (...all: Ranges[]): number[] =>
  all
    .flat()
    .flatMap(({ fromMs, toMs }) => [fromMs, toMs])
    .flatMap((at) => [at - 1, at, at + 1]);

describe('what a player reports', () => {
  it('goes on record where it was delivered and nowhere else', () => {
    fc.assert(
      fc.property(ranges, ranges, (played, delivered) => {
        const taken = withinDelivered(played, delivered);
        if (taken === undefined) return;
        for (const at of places(played, delivered, taken))
          expect(covers(taken, at)).toBe(covers(played, at) && covers(delivered, at));
      }),
    );
  });

  it('is refused exactly when it speaks of a moment further than the tolerance from all that was delivered', () => {
    fc.assert(
      fc.property(ranges, ranges, (played, delivered) => {
        const near = (at: number): boolean =>
          delivered.some(({ fromMs, toMs }) => fromMs - TOLERANCE_MS <= at && at < toMs + TOLERANCE_MS);
        const moments = places(
          played,
          delivered.map(({ fromMs, toMs }) => ({ fromMs: fromMs - TOLERANCE_MS, toMs: toMs + TOLERANCE_MS })),
        );
        const strays = moments.some((at) => covers(played, at) && !near(at));
        expect(withinDelivered(played, delivered) === undefined).toBe(strays);
      }),
    );
  });

  it('is never refused when it is of what was delivered, in whatever pieces', () => {
    fc.assert(
      fc.property(ranges, (delivered) => {
        const halves = delivered.flatMap(({ fromMs, toMs }) => {
          const middle = Math.floor((fromMs + toMs) / 2);
          return [...(middle > fromMs ? [{ fromMs, toMs: middle }] : []), { fromMs: middle, toMs }];
        });
        expect(withinDelivered(halves, delivered)).toEqual(withinDelivered(delivered, delivered));
      }),
    );
  });

  it('may be off by the tolerance at either end, and is cut to what was delivered', () => {
    const delivered = [{ fromMs: 4000, toMs: 8000 }];
    expect(withinDelivered([{ fromMs: 3500, toMs: 8500 }], delivered)).toEqual(delivered);
    expect(withinDelivered([{ fromMs: 3499, toMs: 8000 }], delivered)).toBeUndefined();
    expect(withinDelivered([{ fromMs: 4000, toMs: 8501 }], delivered)).toBeUndefined();
    expect(withinDelivered([{ fromMs: 0, toMs: 1 }], [])).toBeUndefined();
    expect(withinDelivered([], [])).toEqual([]);
  });

  it('adds up to the same in whatever order the reports came', () => {
    const report: fc.Arbitrary<Reported> = fc.record({
      played: ranges,
      seeks: fc.nat(9),
      pauses: fc.nat(9),
      hiddenMs: fc.nat(9000),
      speedPercent: fc.constantFrom(50, 100, 200),
    });
    const pair = fc.array(report).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(fc.property(pair, ([all, shuffled]) => expect(totalOf(shuffled)).toEqual(totalOf(all))));
    expect(totalOf([])).toEqual({ played: [], seeks: 0, pauses: 0, hiddenMs: 0, fastestPercent: 0 });
  });
});
