import { rootOf, TILE_WIDTH, type Hash } from '#tlog';
import { nodeHash } from './digests.js';

const HASH_BYTES = 32;

export interface TileHashes {
  readonly level: number;
  readonly index: bigint;
  /** Concatenated. */
  readonly hashes: Buffer;
}

interface OpenTile {
  index: bigint;
  width: number;
  readonly hashes: Buffer;
  /** Roots of its perfect subtrees, largest first. */
  peaks: Buffer[];
}

/** The tree of leaves added so far. Holds one tile of each level, so that its memory does not grow with the log. RFC 6962 §2.1 */
export class GrowingTree {
  private readonly open: OpenTile[] = [];
  private full: TileHashes[] = [];
  size = 0n;

  add(leaf: Buffer): void {
    this.size += 1n;
    this.put(0, leaf);
  }

  /** The roots of its perfect subtrees, largest first. */
  get peaks(): Hash[] {
    return this.open.toReversed().flatMap(({ peaks }) => peaks);
  }

  root(): Hash {
    return rootOf({ size: this.size, nodes: this.peaks });
  }

  /** The tiles that became full since the last call. */
  takeFull(): readonly TileHashes[] {
    const { full } = this;
    this.full = [];
    return full;
  }

  /** The tiles that are not full. */
  partial(): readonly TileHashes[] {
    return this.open.flatMap(({ index, width, hashes }, level) =>
      width === 0 ? [] : [{ level, index, hashes: hashes.subarray(0, width * HASH_BYTES) }],
    );
  }

  private put(level: number, hash: Buffer): void {
    const tile = (this.open[level] ??= { index: 0n, width: 0, hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), peaks: [] });
    hash.copy(tile.hashes, tile.width * HASH_BYTES);
    let node = hash;
    // Places inside a tile are below 256, so 32-bit arithmetic is right here.
    for (let place = tile.width; (place & 1) === 1; place >>= 1) {
      const left = tile.peaks.pop();
      if (left !== undefined) node = nodeHash(left, node);
    }
    tile.peaks.push(node);
    tile.width += 1;
    if (tile.width < TILE_WIDTH) return;
    this.full.push({ level, index: tile.index, hashes: Buffer.from(tile.hashes) });
    tile.index += 1n;
    tile.width = 0;
    tile.peaks = [];
    this.put(level + 1, node);
  }
}
