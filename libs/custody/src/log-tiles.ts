import { nodesFromTiles, rootOf, TILE_WIDTH, type CompactRange, type Hash, type ReadNode } from '#tlog';

/** The little of a database that reading the log needs: TypeORM's manager and pg's client both fit through an adapter. */
export type Query = <Row>(sql: string, parameters: readonly unknown[]) => Promise<Row[]>;

interface TileAddress {
  readonly level: number;
  readonly index: bigint;
}

const TOGETHER = 256;

/** The database lacks hashes of a tree that it claims to hold. */
export class TileMissing extends Error {
  constructor({ level, index }: TileAddress) {
    super(`tile ${level}/${index} is missing or short`);
  }
}

/**
 * Nodes of the tree of `size` leaves, read from the tiles in the database. Each tile is read, and each node inside a tile computed, once for
 * as long as the returned function lives: thousands of proofs of one tree share most of their nodes. The tiles that inclusion proofs of
 * `indexes` need are read together, the others one by one when they are asked for.
 */
export function readNodes(query: Query, size: bigint, indexes: readonly bigint[] = []): ReadNode {
  const read = nodesOfTiles(query, size, indexes);
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

function nodesOfTiles(query: Query, size: bigint, indexes: readonly bigint[]): ReadNode {
  let ahead: Promise<Map<string, Uint8Array>> | undefined;
  const seen = new Map<string, Promise<Uint8Array>>();
  return nodesFromTiles(size, (level, index, width) => {
    const key = `${level}/${index}/${width}`;
    let tile = seen.get(key);
    if (tile === undefined) {
      ahead ??= readTogether(query, size, indexes);
      tile = ahead.then((found) =>
        checkedTile({ level, index }, width, found.get(`${level}/${index}`) ?? readTile(query, level, index)),
      );
      seen.set(key, tile);
    }
    return tile;
  });
}

/**
 * The tiles that hold every node of the inclusion proof of `index` in the tree of `size` leaves, for index < size: of each level the one above
 * the leaf, and the last one, out of which the part to the right of all complete subtrees is made. RFC 6962 §2.1.1, C2SP tlog-tiles
 */
export function tilesOfProof(index: bigint, size: bigint): TileAddress[] {
  const tiles: TileAddress[] = [];
  for (let level = 0; size >> BigInt(8 * level) > 0n; level++) {
    const last = ((size >> BigInt(8 * level)) - 1n) >> 8n;
    const above = index >> BigInt(8 * (level + 1));
    if (above < last) tiles.push({ level, index: above });
    tiles.push({ level, index: last });
  }
  return tiles;
}

async function readTogether(query: Query, size: bigint, indexes: readonly bigint[]): Promise<Map<string, Uint8Array>> {
  const wanted = new Map(
    indexes.flatMap((index) => tilesOfProof(index, size)).map((tile) => [`${tile.level}/${tile.index}`, tile]),
  );
  const tiles = [...wanted.values()];
  const found = new Map<string, Uint8Array>();
  for (let first = 0; first < tiles.length; first += TOGETHER) {
    const some = tiles.slice(first, first + TOGETHER);
    const rows = await query<{ level: number; index: string; hashes: Buffer }>(
      'SELECT level, index, hashes FROM log_tiles JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index) USING (level, index)',
      [some.map(({ level }) => level), some.map(({ index }) => index.toString())],
    );
    for (const { level, index, hashes } of rows) found.set(`${level}/${index}`, hashes);
  }
  return found;
}

async function readTile(query: Query, level: number, index: bigint): Promise<Uint8Array | undefined> {
  const [row] = await query<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = $1 AND index = $2', [
    level,
    index.toString(),
  ]);
  return row?.hashes;
}

async function checkedTile(
  { level, index }: TileAddress,
  width: number,
  reading: Uint8Array | Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  const hashes = await reading;
  if (hashes === undefined || hashes.length < width * 32) throw new TileMissing({ level, index });
  return hashes.subarray(0, width * 32);
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
