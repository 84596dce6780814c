import fc from 'fast-check';
import { countOf, inWords, MOST_MISSING, MOST_STRETCHES, runsOf, touches, type Run, type Stretch } from './camera-gaps.rules.js';

const EPOCH = Date.UTC(2026, 0, 1);
const at = (hour: number): Date => new Date(EPOCH + hour * 3_600_000);

/** As the database draws together the numbers of recordings that were made in this order, one an hour. */
function stretchesOf(numbers: readonly number[]): Stretch[] {
  const stretches: { first: number; last: number; firstAt: Date; lastAt: Date }[] = [];
  for (const [hour, number] of numbers.entries()) {
    const previous = stretches.at(-1);
    if (previous?.last === number - 1) Object.assign(previous, { last: number, lastAt: at(hour) });
    else stretches.push({ first: number, last: number, firstAt: at(hour), lastAt: at(hour) });
  }
  return stretches;
}

const of = (...numbers: readonly (number | readonly [number, number])[]): Run[] =>
  runsOf(stretchesOf(numbers.flatMap((each) => (typeof each === 'number' ? [each] : range(...each)))));

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function told(run: Run | undefined): { lowest?: number; highest?: number; missing: string[]; repeated: string[] } {
  return {
    ...(run === undefined ? {} : { lowest: run.lowest, highest: run.highest }),
    missing: (run?.missing ?? []).map(inWords),
    repeated: (run?.repeated ?? []).map(inWords),
  };
}

/** Some of the numbers between the first and the last. */
const withLosses = (first: number, last: number): fc.Arbitrary<{ seen: number[]; lost: number[] }> =>
  fc.subarray(range(first + 1, last - 1)).map((lost) => ({
    lost,
    seen: range(first, last).filter((number) => !lost.includes(number)),
  }));

const numbersOf = (spans: readonly { readonly from: number; readonly to: number }[]): number[] =>
  spans.flatMap(({ from, to }) => range(from, to));

describe('the numbers of a camera', () => {
  it('that follow one another have no gap, and nothing has none', () => {
    expect(of([3, 40]).map(told)).toEqual([{ lowest: 3, highest: 40, missing: [], repeated: [] }]);
    expect(runsOf([])).toEqual([]);
  });

  it('that are lost are told exactly, with the times between which they were made', () => {
    const [run, ...others] = of([100, 111], [119, 130]);
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      seen: 24,
      missing: [{ from: 112, to: 118, after: at(11), before: at(12) }],
      startedAt: at(0),
      endedAt: at(23),
    });
  });

  it('are told missing whichever of them are lost, and no others are', () => {
    const camera = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 2, max: 60 }));
    fc.assert(
      fc.property(
        camera.chain(([first, more]) => withLosses(first, first + more)),
        ({ seen, lost }) => {
          const runs = runsOf(stretchesOf(seen));
          expect(runs).toHaveLength(1);
          expect(numbersOf(runs[0]?.missing ?? [])).toEqual(lost);
          expect(runs[0]).toMatchObject({ seen: seen.length, repeated: [] });
        },
      ),
    );
  });

  it('that begin again at 0 or 1 after a reset are another run, and what lies between the runs is not missing', () => {
    expect(of([500, 900], [0, 300]).map(told)).toEqual([
      { lowest: 500, highest: 900, missing: [], repeated: [] },
      { lowest: 0, highest: 300, missing: [], repeated: [] },
    ]);
    expect(of([1, 40], [1, 20], 22).map(told)).toEqual([
      { lowest: 1, highest: 40, missing: [], repeated: [] },
      { lowest: 1, highest: 22, missing: ['21'], repeated: [] },
    ]);
    // Also where the first recordings after the reset were lost, or the new run has gone beyond the old one.
    expect(of([500, 900], [5, 30]).map(told)).toMatchObject([{ lowest: 500 }, { lowest: 5 }]);
    expect(of([0, 50], [0, 49], [51, 80]).map(told)).toMatchObject([{ highest: 50 }, { highest: 80, missing: ['50'] }]);
  });

  it('have the gaps of each run told when they begin again', () => {
    const twice = fc
      .tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 40 }))
      .chain(([a, b]) => fc.tuple(withLosses(0, Math.max(a, b)), withLosses(0, Math.min(a, b))));
    fc.assert(
      fc.property(twice, ([before, after]) => {
        const runs = runsOf(stretchesOf([...before.seen, ...after.seen]));
        expect(runs.map(({ missing }) => numbersOf(missing))).toEqual([before.lost, after.lost]);
      }),
    );
  });

  it('that two files share are told, and make neither a gap nor a reset', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 60 }), fc.integer({ min: 2, max: 59 }), fc.nat(60), (last, again, place) => {
        fc.pre(again <= last);
        const numbers = range(0, last);
        numbers.splice(Math.max(again + 1, place), 0, again);
        expect(runsOf(stretchesOf(numbers)).map(told)).toEqual([
          { lowest: 0, highest: last, missing: [], repeated: [String(again)] },
        ]);
      }),
    );
    expect(of([1, 30], 12, 12, [13, 14], [31, 40]).map(told)).toEqual([
      { lowest: 1, highest: 40, missing: [], repeated: ['12–14'] },
    ]);
  });

  it('that are all there are one run without gaps, however wrong the clock was', () => {
    const shuffled = fc
      .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 60 }))
      .chain(([first, more]) => fc.shuffledSubarray(range(first, first + more), { minLength: more + 1 }));
    fc.assert(
      fc.property(shuffled, (numbers) => {
        expect(runsOf(stretchesOf(numbers)).map(told)).toEqual([
          { lowest: Math.min(...numbers), highest: Math.max(...numbers), missing: [], repeated: [] },
        ]);
      }),
    );
  });

  it('of a day on which the clock stood at its beginning fill the gap that they left', () => {
    expect(of([501, 505], [1, 200], [202, 500], [506, 520]).map(told)).toEqual([
      { lowest: 1, highest: 520, missing: ['201'], repeated: [] },
    ]);
  });

  it.each<[string, Run[], object[]]>([
    ['one at 0, after which nothing has come, is a reset', of([0, 40], 0), [{ highest: 40 }, { highest: 0 }]],
    ['one at 0, after which the camera goes on, is a number of two files', of([0, 300], 0, [301, 400]), [{ repeated: ['0'] }]],
    ['one far below, that was not there, is a reset of which the first were lost', of([500, 900], 5), [{}, { lowest: 5 }]],
    ['the same over and over is a number of many files', of([1, 40], 5, 5, 5, 5, 5, 5, 5), [{ repeated: ['5'] }]],
    ['some of the last once more, and on from there, are numbers of two files', of([0, 50], [48, 60]), [{ repeated: ['48–50'] }]],
  ])('that fall are judged by what explains them best: %s', (_, runs, expected) => {
    expect(runs.map(told)).toEqual(expected.map((each) => expect.objectContaining(each) as object));
  });

  it('that jump far ahead are another run, not thousands of losses, and the camera goes on where it was', () => {
    expect(of([1, 500], Number.MAX_SAFE_INTEGER, [501, 600]).map(told)).toEqual([
      { lowest: 1, highest: 600, missing: [], repeated: [] },
      { lowest: Number.MAX_SAFE_INTEGER, highest: Number.MAX_SAFE_INTEGER, missing: [], repeated: [] },
    ]);
    expect(of([900_000, 900_100], 7, [900_101, 900_200]).map(told)).toMatchObject([
      { lowest: 900_000, highest: 900_200, missing: [] },
      { lowest: 7, highest: 7 },
    ]);
  });

  const anyNumbers = fc.array(fc.oneof(fc.nat(30), fc.nat(200), fc.nat(30_000), fc.maxSafeNat()), { maxLength: 80 });

  it('are each in a run, and none is missing in the run that it is in, whatever was sent', () => {
    fc.assert(
      fc.property(anyNumbers, (numbers) => {
        const runs = runsOf(stretchesOf(numbers));
        const total = new Set(numbers).size;
        expect(runs.reduce((sum, run) => sum + run.seen, 0)).toBeGreaterThanOrEqual(total);
        for (const number of numbers)
          expect(
            runs.some(
              ({ lowest, highest, missing }) =>
                lowest <= number && number <= highest && missing.every(({ from, to }) => number < from || to < number),
            ),
          ).toBe(true);
        for (const run of runs) {
          expect(run.seen).toBe(run.highest - run.lowest + 1 - countOf(run.missing));
          expect(run.startedAt <= run.endedAt).toBe(true);
          for (const { from, to, after, before } of run.missing) {
            expect(run.lowest < from && from <= to && to < run.highest).toBe(true);
            expect(to - from + 1).toBeLessThanOrEqual(MOST_MISSING);
            expect(after <= before).toBe(true);
          }
          for (const { from, to } of run.repeated) expect(run.lowest <= from && from <= to && to <= run.highest).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are judged in a moment, however disorderly they are', () => {
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const disorders = [
      Array.from({ length: MOST_STRETCHES }, () => random(1_000_000)),
      Array.from({ length: MOST_STRETCHES }, () => random(100)),
      Array.from({ length: MOST_STRETCHES }, (_, i) => 2 * (MOST_STRETCHES - i)),
      Array.from({ length: MOST_STRETCHES }, () => 5),
    ];
    for (const numbers of disorders) {
      const begun = performance.now();
      runsOf(stretchesOf(numbers));
      expect(performance.now() - begun).toBeLessThan(3000);
    }
  });
});

describe('a gap', () => {
  it('belongs to every period that it may have been made in', () => {
    const gap = { after: at(10), before: at(20) };
    expect(touches(gap, null, null)).toBe(true);
    expect(touches(gap, at(20), null)).toBe(true);
    expect(touches(gap, at(21), null)).toBe(false);
    expect(touches(gap, null, at(10))).toBe(false);
    expect(touches(gap, null, at(11))).toBe(true);
    expect(touches(gap, at(12), at(13))).toBe(true);
  });
});
