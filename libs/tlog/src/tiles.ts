import type { Hash, ReadNode } from './merkle.js';
import { nodeHash } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** Hashes in a full tile: eight levels of the tree. C2SP tlog-tiles */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const HASH_BYTES = 32;

/** Path of a hash tile, such as "tile/0/x001/234" or, for a partial one, "tile/0/x001/234.p/17". C2SP tlog-tiles @throws TlogError */
export function tilePath(level: number, index: bigint, width: number = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > 63 || index < 0n) {
    throw new TlogError('out-of-range', `There is no tile ${index} of level ${level}.`);
  }
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError('out-of-range', `A tile holds 1 to ${TILE_WIDTH} hashes, not ${width}.`);
  }
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** The tile whose hashes are, or lie directly under, the node `index` of tree level `level`. */
export function tileOfNode(level: number, index: bigint): { level: number; index: bigint } {
  const height = level % TILE_HEIGHT;
  return { level: (level - height) / TILE_HEIGHT, index: index >> BigInt(TILE_HEIGHT - height) };
}

/** `width` hashes of 32 bytes, concatenated: the first `width` of that tile. */
export type ReadTile = (level: number, index: bigint, width: number) => Promise<Uint8Array> | Uint8Array;

/**
 * Reads any perfect node of the tree of `size` leaves from its hash tiles. Tiles already read are remembered as long as
 * the returned function lives: make one for each proof. @throws TlogError for a node that is not complete at that size.
 */
export function nodesFromTiles(size: bigint, readTile: ReadTile): ReadNode {
  const read = new Map<string, Promise<Uint8Array>>();

  async function load(level: number, index: bigint): Promise<Uint8Array> {
    const hashesOfLevel = size >> BigInt(level * TILE_HEIGHT);
    const left = hashesOfLevel - index * BigInt(TILE_WIDTH);
    const width = left < BigInt(TILE_WIDTH) ? Number(left) : TILE_WIDTH;
    const bytes = await readTile(level, index, width);
    if (bytes.length !== width * HASH_BYTES) {
      throw new TlogError(
        'tile-malformed',
        `${tilePath(level, index, width)} has ${bytes.length} bytes, not ${width * HASH_BYTES}.`,
      );
    }
    return bytes;
  }

  return async (level, index) => {
    if (level < 0 || index < 0n || (index + 1n) << BigInt(level) > size) {
      throw new TlogError('out-of-range', `Node ${index} of level ${level} is not complete in a tree of ${size} leaves.`);
    }
    const tile = tileOfNode(level, index);
    const path = tilePath(tile.level, tile.index);
    const loading = read.get(path) ?? load(tile.level, tile.index);
    read.set(path, loading);
    const height = level % TILE_HEIGHT;
    return rootWithin(await loading, Number((index << BigInt(height)) % BigInt(TILE_WIDTH)), 1 << height);
  };
}

/** Root over `count` hashes of a tile, a power of two, from the one at `first`. */
function rootWithin(tile: Uint8Array, first: number, count: number): Hash {
  if (count === 1) return tile.slice(first * HASH_BYTES, (first + 1) * HASH_BYTES);
  return nodeHash(rootWithin(tile, first, count / 2), rootWithin(tile, first + count / 2, count / 2));
}
