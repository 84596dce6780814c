import fc from 'fast-check';
import { consistencyProof, inclusionProof, leafHash, nodeHash, type Hash } from './merkle.js';
import { refused } from './testing/refused.js';
import { TILE_WIDTH, nodesFromTiles, tileOfNode, tilePath, type ReadTile } from './tiles.js';

const SIZE = 66_000;
/** Every complete node of the tree of SIZE leaves, by level. */
const levels: Hash[][] = [];
const asked: string[] = [];

/** Serves what a log of any size up to SIZE would: the first `width` hashes of a tile. */
const readTile: ReadTile = (level, index, width) => {
  asked.push(tilePath(level, index, width));
  const first = Number(index) * TILE_WIDTH;
  return Buffer.concat(levels[level * 8]!.slice(first, first + width));
};

describe('hash tiles', () => {
  beforeAll(() => {
    levels.push(Array.from({ length: SIZE }, (_, i) => leafHash(Buffer.from(String(i)))));
    for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
      levels.push(Array.from({ length: below.length >> 1 }, (_, i) => nodeHash(below[2 * i]!, below[2 * i + 1]!)));
    }
  });

  it('have the paths of C2SP tlog-tiles', () => {
    expect(tilePath(0, 0n)).toBe('tile/0/000');
    expect(tilePath(0, 1234067n)).toBe('tile/0/x001/x234/067');
    expect(tilePath(1, 1234n, 17)).toBe('tile/1/x001/234.p/17');
    expect(tilePath(63, 999n, 256)).toBe('tile/63/999');
    expect(tilePath(0, 1000n, 255)).toBe('tile/0/x001/000.p/255');
    expect(tilePath(0, 1_000_000n, 1)).toBe('tile/0/x001/x000/000.p/1');
    for (const [level, index, width] of [
      [64, 0n, 256],
      [-1, 0n, 256],
      [0, -1n, 256],
      [0, 0n, 0],
      [0, 0n, 257],
      [0.5, 0n, 256],
      [0, 0n, 0.5],
      [0, 0n, 1.5],
    ] as const) {
      expect(() => tilePath(level, index, width)).toThrow(refused('out-of-range'));
    }
  });

  it('cover the nodes above them up to the next tile', () => {
    expect(tileOfNode(0, 255n)).toEqual({ level: 0, index: 0n });
    expect(tileOfNode(0, 256n)).toEqual({ level: 0, index: 1n });
    expect(tileOfNode(7, 2n)).toEqual({ level: 0, index: 1n });
    expect(tileOfNode(8, 255n)).toEqual({ level: 1, index: 0n });
    expect(tileOfNode(17, 128n)).toEqual({ level: 2, index: 1n });
  });

  it('give the same proofs as the nodes themselves, at every size', async () => {
    const direct = (level: number, index: bigint): Hash => levels[level]![Number(index)]!;
    const sizes = fc.oneof(fc.integer({ min: 1, max: SIZE }), fc.constantFrom(1, 255, 256, 257, 65_535, 65_536, 65_537));
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (size, n) => {
        const [newSize, index] = [BigInt(size), BigInt(n % size)];
        expect(await inclusionProof(index, newSize, nodesFromTiles(newSize, readTile))).toEqual(
          await inclusionProof(index, newSize, direct),
        );
        expect(await consistencyProof(index, newSize, nodesFromTiles(newSize, readTile))).toEqual(
          await consistencyProof(index, newSize, direct),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('are each read once for a proof, partial ones at the width of the tree', async () => {
    asked.length = 0;
    await inclusionProof(300n, 65_800n, nodesFromTiles(65_800n, readTile));
    expect([...asked].sort()).toEqual(['tile/0/001', 'tile/0/257.p/8', 'tile/1/000', 'tile/1/001.p/1']);
  });

  it('are refused when they have another length, and for nodes that are not complete', async () => {
    await expect(nodesFromTiles(3n, () => new Uint8Array(64))(0, 0n)).rejects.toThrow(refused('tile-malformed'));
    await expect(nodesFromTiles(3n, readTile)(1, 1n)).rejects.toThrow(refused('out-of-range'));
    await expect(nodesFromTiles(3n, readTile)(0, 3n)).rejects.toThrow(refused('out-of-range'));
    await expect(nodesFromTiles(3n, readTile)(-1, 0n)).rejects.toThrow(refused('out-of-range'));
    await expect(nodesFromTiles(3n, readTile)(0, -1n)).rejects.toThrow(refused('out-of-range'));
  });
});
