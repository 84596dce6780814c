import { nodesFromTiles, rootOf, TILE_WIDTH, type CompactRange, type Hash, type ReadNode } from '#tlog';

/** The little of a database that reading the log needs: TypeORM's manager and pg's client both fit through an adapter. */
export type Query = <Row>(sql: string, parameters: readonly unknown[]) => Promise<Row[]>;

/**
 * Nodes of the tree of `size` leaves, read from the tiles in the database. Each tile is read, and each node inside a tile computed, once for
 * as long as the returned function lives: thousands of proofs of one tree share most of their nodes.
 */
export function readNodes(query: Query, size: bigint): ReadNode {
  const read = nodesOfTiles(query, size);
  const nodes = new Map<string, Promise<Hash>>();
  return (level, index) => {
    const key = `${level}/${index}`;
    let node = nodes.get(key);
    if (node === undefined) {
      node = Promise.resolve(read(level, index));
      nodes.set(key, node);
    }
    return node;
  };
}

function nodesOfTiles(query: Query, size: bigint): ReadNode {
  const seen = new Map<string, Promise<Uint8Array>>();
  return nodesFromTiles(size, (level, index, width) => {
    const key = `${level}/${index}/${width}`;
    let tile = seen.get(key);
    if (tile === undefined) {
      tile = readTile(query, level, index, width);
      seen.set(key, tile);
    }
    return tile;
  });
}

async function readTile(query: Query, level: number, index: bigint, width: number): Promise<Uint8Array> {
  const [row] = await query<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = $1 AND index = $2', [
    level,
    index.toString(),
  ]);
  if (row === undefined || row.hashes.length < width * 32) throw new Error(`tile ${level}/${index} is missing or short`);
  return row.hashes.subarray(0, width * 32);
}

/** The compact range of the first `size` leaves. */
export async function rangeAt(size: bigint, readNode: ReadNode): Promise<CompactRange> {
  const nodes: Hash[] = [];
  let start = 0n;
  for (let level = 63; level >= 0; level--) {
    const width = 1n << BigInt(level);
    if ((size & width) === 0n) continue;
    nodes.push(await readNode(level, start >> BigInt(level)));
    start += width;
  }
  return { size, nodes };
}

export async function rootAt(size: bigint, readNode: ReadNode): Promise<Hash> {
  return rootOf(await rangeAt(size, readNode));
}

/** Collects the complete nodes of one batch as additions to hash tiles (C2SP tlog-tiles, height 8). */
export class TileAdditions {
  private readonly tiles = new Map<string, { level: number; index: bigint; offset: number; hashes: Hash[] }>();

  add(level: number, index: bigint, hash: Hash): void {
    if (level % 8 !== 0) return;
    const tile = index / BigInt(TILE_WIDTH);
    const key = `${level / 8}/${tile}`;
    const found = this.tiles.get(key);
    if (found === undefined)
      this.tiles.set(key, { level: level / 8, index: tile, offset: Number(index % BigInt(TILE_WIDTH)), hashes: [hash] });
    else found.hashes.push(hash);
  }

  *[Symbol.iterator](): Generator<{ level: number; index: bigint; offset: number; bytes: Buffer }> {
    for (const { level, index, offset, hashes } of this.tiles.values())
      yield { level, index, offset, bytes: Buffer.concat(hashes) };
  }
}
