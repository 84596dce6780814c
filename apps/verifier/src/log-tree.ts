import { nodeHash, rootOf, TILE_WIDTH, tilePath, type Hash } from '#tlog';
import { LogFault } from './log-fault.js';

export const HASH_BYTES = 32;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** The rightmost tile of a level, as far as it has been derived. */
interface GrowingTile {
  index: bigint;
  width: number;
  readonly hashes: Buffer;
}

/**
 * Derives every tile of a log from those of level 0 and compares it with the one that was published. Keeps one tile a level, however
 * large the log. C2SP tlog-tiles
 */
export class LogTree {
  /** Tiles compared so far. */
  tiles = 0;
  private size = 0n;
  private readonly levels: GrowingTile[] = [];

  constructor(private readonly publishedTile: (path: string, width: number) => Promise<Uint8Array>) {}

  /** The next tile of level 0, concatenated leaf hashes, full unless it is the last one. @throws LogFault */
  async add(hashes: Uint8Array): Promise<void> {
    this.tiles += 1;
    const tile = this.level(0);
    tile.hashes.set(hashes);
    tile.width = hashes.length / HASH_BYTES;
    this.size += BigInt(tile.width);
    for (let level = 0; this.level(level).width === TILE_WIDTH; level += 1) {
      const full = this.level(level);
      if (level > 0) await this.compare(level, full);
      const above = this.level(level + 1);
      above.hashes.set(rootOfTile(full.hashes), above.width * HASH_BYTES);
      above.width += 1;
      full.index += 1n;
      full.width = 0;
    }
  }

  /** Compares the tiles that are not full. @returns the root of the tree. RFC 6962 §2.1 @throws LogFault */
  async finish(): Promise<Hash> {
    for (const [level, tile] of this.levels.entries()) if (level > 0 && tile.width > 0) await this.compare(level, tile);
    return rootOf({ size: this.size, nodes: this.levels.toReversed().flatMap(peaksOf) });
  }

  private async compare(level: number, { index, width, hashes }: GrowingTile): Promise<void> {
    const path = tilePath(level, index, width);
    const published = await this.publishedTile(path, width);
    this.tiles += 1;
    const place = firstDifference(published, hashes.subarray(0, width * HASH_BYTES));
    if (place === undefined) return;
    const below = index * BigInt(TILE_WIDTH) + BigInt(place);
    const first = below << BigInt(8 * level);
    const last = first + (1n << BigInt(8 * level)) - 1n;
    const detail = `its hash ${place} is not the root of ${tilePath(level - 1, below)}: one of the two was altered, about the entries ${first} to ${last}.`;
    throw new LogFault('tiles', path, detail);
  }

  private level(level: number): GrowingTile {
    return (this.levels[level] ??= { index: 0n, width: 0, hashes: Buffer.alloc(TILE_BYTES) });
  }
}

/** Number of the first hash in which two tiles of equal length differ. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (Buffer.compare(a, b) === 0) return undefined;
  return Math.floor(a.findIndex((byte, i) => byte !== b[i]) / HASH_BYTES);
}

function rootOfTile(tile: Uint8Array): Hash {
  return perfectRoot(tile, 0, TILE_WIDTH);
}

function perfectRoot(tile: Uint8Array, first: number, width: number): Hash {
  if (width === 1) return tile.subarray(first * HASH_BYTES, (first + 1) * HASH_BYTES);
  const half = width / 2;
  return nodeHash(perfectRoot(tile, first, half), perfectRoot(tile, first + half, half));
}

/** Roots of the perfect trees over a tile that is not full, widest first. */
function peaksOf({ width, hashes }: GrowingTile): Hash[] {
  const peaks: Hash[] = [];
  let first = 0;
  for (let part = TILE_WIDTH / 2; part >= 1; part /= 2) {
    if ((width & part) === 0) continue;
    peaks.push(Uint8Array.from(perfectRoot(hashes, first, part)));
    first += part;
  }
  return peaks;
}
