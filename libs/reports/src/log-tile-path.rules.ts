import { TILE_WIDTH, tilePath } from '#tlog';

/** Which tile, and how many of its 256 places. */
export interface TileAddress {
  readonly index: bigint;
  readonly width: number;
}

// Seven groups hold every index below 2^63.
const PATH = /^((?:x\d{3}\/){0,6}\d{3})(?:\.p\/(\d{1,3}))?$/;

/** Reads "x001/234" or "x001/234.p/17"; undefined for every other spelling, so that a tile has one address. C2SP tlog-tiles */
export function parseTilePath(path: string): TileAddress | undefined {
  const [, groups, partial] = PATH.exec(path) ?? [];
  if (groups === undefined) return undefined;
  const index = BigInt(groups.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (width < 1 || width > TILE_WIDTH || tilePath(0, index, width) !== `tile/0/${path}`) return undefined;
  return { index, width };
}

/** Reads "0" to "63"; undefined for every other spelling. C2SP tlog-tiles */
export function parseTileLevel(text: string): number | undefined {
  return /^(\d|[1-5]\d|6[0-3])$/.test(text) ? Number(text) : undefined;
}

/** Whether all of it lies in the tree of `size` leaves: what no checkpoint covers yet is nobody's business. */
export function isCovered(level: number, { index, width }: TileAddress, size: bigint): boolean {
  return index * BigInt(TILE_WIDTH) + BigInt(width) <= size >> BigInt(8 * level);
}
