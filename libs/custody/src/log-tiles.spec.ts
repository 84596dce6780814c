import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  EMPTY_RANGE,
  extend,
  inclusionProof,
  leafHash,
  nodesFromTiles,
  rootOf,
  TILE_WIDTH,
  verifyInclusion,
  type Hash,
} from '#tlog';
import { tilesOfProof } from './log-tiles.js';

describe('the tiles of a proof', () => {
  it('are all that an inclusion proof reads, at most two a level, in logs of every size', async () => {
    // The hashes do not matter to which of them are read.
    const tile = (_level: number, _index: bigint, width: number): Uint8Array => new Uint8Array(width * 32);
    const sizes = fc.oneof(
      fc.bigInt(1n, 70_000n),
      fc.bigInt(1n, 2n ** 40n),
      fc.nat(40).map((bits) => 1n << BigInt(bits)),
    );
    const places = sizes.chain((size) => fc.tuple(fc.constant(size), fc.oneof(fc.bigInt(0n, size - 1n), fc.constant(size - 1n))));
    await fc.assert(
      fc.asyncProperty(places, async ([size, index]) => {
        const known = new Set(tilesOfProof(index, size).map((each) => `${each.level}/${each.index}`));
        const read: string[] = [];
        await inclusionProof(
          index,
          size,
          nodesFromTiles(size, (level, at, width) => {
            read.push(`${level}/${at}`);
            return tile(level, at, width);
          }),
        );
        expect(read.filter((each) => !known.has(each))).toEqual([]);
        expect(known.size).toBeLessThanOrEqual(2 * Math.ceil(size.toString(2).length / 8));
      }),
    );
  });

  it('are enough to prove an entry', async () => {
    const size = 66_000;
    const levels: Hash[][] = [];
    let range = EMPTY_RANGE;
    for (let i = 0; i < size; i++) {
      const leaf = leafHash(createHash('sha256').update(String(i)).digest());
      range = extend(range, leaf, (level, _, hash) => {
        if (level % 8 === 0) (levels[level / 8] ??= []).push(hash);
      });
    }
    for (const index of [0n, 255n, 256n, 65_535n, 65_536n, 65_999n]) {
      const at = tilesOfProof(index, range.size);
      const proof = await inclusionProof(
        index,
        range.size,
        nodesFromTiles(range.size, (level, tile, width) => {
          if (!at.some((each) => each.level === level && each.index === tile))
            throw new Error(`tile ${level}/${tile} was not named`);
          const first = Number(tile) * TILE_WIDTH;
          return Buffer.concat((levels[level] ?? []).slice(first, first + width));
        }),
      );
      const leaf = levels[0]?.[Number(index)] ?? new Uint8Array(32);
      expect(() => verifyInclusion({ index, size: range.size, leaf, proof, root: rootOf(range) })).not.toThrow();
    }
  });
});
