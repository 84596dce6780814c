import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  draw,
  faultOfDraw,
  fellByChance,
  isByChance,
  LARGEST_POPULATION,
  listDigest,
  type Lot,
  lots,
  population,
  seedOf,
} from './sampling.rules.js';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const lists = fc.uniqueArray(fc.uuid(), { maxLength: 60 }).map(population);
const seedNo = (n: number): Buffer => createHash('sha256').update(String(n)).digest();

describe('a draw by lot', () => {
  it('draws as many as asked for, none twice, and nothing that is not in the list', () => {
    fc.assert(
      fc.property(seeds, lists, fc.nat(), (seed, ids, n) => {
        const count = n % (ids.length + 1);
        const drawn = draw(seed, ids, count);
        expect(drawn).toHaveLength(count);
        expect(new Set(drawn).size).toBe(count);
        expect(drawn.every((id) => ids.includes(id))).toBe(true);
      }),
    );
  });

  it('of everything is everything in another order', () => {
    fc.assert(fc.property(seeds, lists, (seed, ids) => expect(population(draw(seed, ids, ids.length))).toEqual(ids)));
  });

  it('is the same for the same seed and list, and begins alike however many are drawn', () => {
    fc.assert(
      fc.property(seeds, lists, fc.nat(), (seed, ids, n) => {
        const count = n % (ids.length + 1);
        expect(draw(seed, ids, count)).toEqual(draw(seed, ids, ids.length).slice(0, count));
      }),
    );
  });

  it('leaves the list as it was', () => {
    const ids = population(['b', 'a', 'c']);
    draw(seedNo(1), ids, 3);
    expect(ids).toEqual(['a', 'b', 'c']);
  });

  it('refuses to draw more than there are', () => {
    expect(() => draw(seedNo(1), ['a'], 2)).toThrow(RangeError);
  });

  it('draws every member equally often: 20 000 draws of 3 from 12 stay within what chance allows', () => {
    const ids = Array.from({ length: 12 }, (_, i) => String.fromCodePoint(97 + i));
    const counts = new Map(ids.map((id) => [id, 0]));
    const rounds = 20_000;
    for (let n = 0; n < rounds; n++) for (const id of draw(seedNo(n), ids, 3)) counts.set(id, (counts.get(id) ?? 0) + 1);
    const expected = (rounds * 3) / ids.length;
    const chiSquare = [...counts.values()].reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    // Eleven degrees of freedom: above 31.3 once in a thousand. The seeds are fixed, so this never changes from run to run.
    expect(chiSquare).toBeLessThan(31.3);
  });

  it('is what the recipe says, for a seed and a list that anybody can put in', () => {
    const ids = Array.from({ length: 10 }, (_, i) => `0000000${i}-0000-7000-8000-000000000000`);
    const seed = seedOf(Buffer.alloc(32, 7), '018f0000-0000-7000-8000-000000000000');
    expect(seed.toString('hex')).toBe(
      createHash('sha256')
        .update(Buffer.concat([Buffer.alloc(32, 7), Buffer.from('018f0000-0000-7000-8000-000000000000')]))
        .digest('hex'),
    );
    // Pinned: another order or another way to number lots would break every draw that is on record.
    expect(draw(seed, ids, 3).map((id) => id[7])).toEqual(['5', '9', '3']);
  });
});

describe('lots', () => {
  it('lie below what is asked for, whatever that is', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: LARGEST_POPULATION }), (seed, n) => {
        const lot = lots(seed);
        for (let i = 0; i < 5; i++) {
          const value = lot(n);
          expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
        }
      }),
    );
  });

  it('go on, rather than repeat themselves', () => {
    const lot = lots(seedNo(1));
    expect(new Set(Array.from({ length: 100 }, () => lot(2 ** 31))).size).toBeGreaterThan(95);
  });
});

describe('the list that is put on record', () => {
  it('has one order and one digest, however it was gathered', () => {
    fc.assert(
      fc.property(lists, seeds, (ids, seed) => {
        const shuffled = draw(seed, ids, ids.length);
        expect(population([...shuffled, ...shuffled.slice(0, 2)])).toEqual(ids);
        expect(listDigest(population(shuffled))).toBe(listDigest(ids));
      }),
    );
  });

  it('has another digest as soon as one recording is added, left out or exchanged', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 30 }), (all) => {
        const [one = '', ...ids] = all;
        const digest = listDigest(population(ids));
        expect(listDigest(population([...ids, one]))).not.toBe(digest);
        expect(listDigest(population(ids.slice(1)))).not.toBe(digest);
        expect(listDigest(population([...ids.slice(1), one]))).not.toBe(digest);
      }),
    );
  });

  it('is hashed as sha256sum hashes a file of it', () => {
    expect(listDigest(['a', 'b'])).toBe(createHash('sha256').update('a\nb\n').digest('hex'));
  });
});

describe('what the lot fell on', () => {
  const day = (n: number): Date => new Date(Date.UTC(2026, 2, 1) + n * 86_400_000);
  const lot = (n: number, population: number, count: number, drawn = true): Lot => ({
    at: day(n),
    population,
    draw: count,
    drawn,
  });

  it('is chance where one lot in four or fewer wins, whatever else was drawn by no chance', () => {
    expect(fellByChance([lot(0, 4, 1)])).toBe(true);
    expect(fellByChance([lot(0, 4, 2)])).toBe(false);
    expect(fellByChance([lot(0, 4, 4), lot(1, 4, 1)])).toBe(true);
    expect(fellByChance([lot(0, 4, 1, false)])).toBe(false);
    expect(fellByChance([])).toBe(false);
  });

  it('is no chance where lots were drawn until one fell on it', () => {
    expect(fellByChance([lot(0, 4, 1, false), lot(1, 4, 1)])).toBe(false);
    expect(fellByChance([...Array.from({ length: 5 }, (_, n) => lot(n, 20, 1, false)), lot(5, 20, 1)])).toBe(false);
    // What it fell on by chance before stays open.
    expect(fellByChance([lot(0, 4, 1), lot(1, 4, 1)])).toBe(true);
  });

  it('is chance again for small lots, and for lots far from each other', () => {
    expect(fellByChance([...Array.from({ length: 4 }, (_, n) => lot(n * 7, 20, 1, false)), lot(28, 20, 1)])).toBe(true);
    expect(fellByChance([lot(0, 4, 1, false), lot(31, 4, 1)])).toBe(true);
  });

  it('is never chance where the chances of a month add up to more than one in four', () => {
    const chances = fc.array(fc.tuple(fc.nat(29), fc.integer({ min: 4, max: 40 }), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(chances, (given) => {
        const all = given.map(([n, populated, fell]) => lot(n, populated, 1, fell)).sort((a, b) => +a.at - +b.at);
        let chance = 0;
        const opens = all.some(({ population: populated, drawn }) => {
          chance += 1 / populated;
          return drawn && chance < 0.25 + 1e-6;
        });
        expect(fellByChance(all)).toBe(opens);
      }),
    );
  });
});

describe('how many may be drawn', () => {
  it.each([
    [0, 1, 'empty'],
    [3, 4, 'more-than-there-are'],
    [LARGEST_POPULATION + 1, 1, 'too-large'],
    [3, 3, undefined],
    [LARGEST_POPULATION, 1000, undefined],
  ] as const)('from %d, %d: %s', (populated, count, fault) => {
    expect(faultOfDraw(populated, count)).toBe(fault);
  });

  it('is left to chance only where at most every fourth is drawn', () => {
    expect(isByChance(1, 1)).toBe(false);
    expect(isByChance(7, 2)).toBe(false);
    expect(isByChance(8, 2)).toBe(true);
  });
});
