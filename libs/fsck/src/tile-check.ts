import type { Client } from 'pg';
import { TILE_WIDTH } from '#tlog';
import type { Findings } from './findings.js';
import type { GrowingTree, TileHashes } from './growing-tree.js';

const HASH_BYTES = 32;

/** Where two tiles differ first, in words that name the entry where one is known. */
export function differenceOf(tile: TileHashes, other: Uint8Array): { readonly what: string; readonly entry?: bigint } {
  const { level, index, hashes } = tile;
  let place = 0;
  while (place * HASH_BYTES < hashes.length && sameHash(hashes, other, place)) place += 1;
  if (place * HASH_BYTES >= hashes.length) return { what: 'goes on beyond the entries' };
  if (level > 0) return { what: `differs from the entries, first at its hash ${place}` };
  const entry = index * BigInt(TILE_WIDTH) + BigInt(place);
  return { what: `differs from the entries, first at entry ${entry}`, entry };
}

function sameHash(a: Buffer, b: Uint8Array, place: number): boolean {
  const [start, end] = [place * HASH_BYTES, (place + 1) * HASH_BYTES];
  return Buffer.compare(a.subarray(start, end), b.subarray(start, end)) === 0;
}

/** Tiles of the database against those of the tree that grew from the rows. */
export class TileCheck {
  /** What the rows give where the database has something else: whoever needs tiles later reads the others there. */
  private readonly mended = new Map<string, Buffer>();

  constructor(
    private readonly client: Client,
    private readonly findings: Findings,
  ) {}

  async check(tiles: readonly TileHashes[]): Promise<void> {
    if (tiles.length === 0) return;
    const stored = await this.read(tiles);
    for (const tile of tiles) {
      const where = `${tile.level}/${tile.index}`;
      const found = stored.get(where);
      if (found !== undefined && Buffer.compare(found, tile.hashes) === 0) continue;
      this.mended.set(where, tile.hashes);
      if (found === undefined) this.findings.add(`tile ${where}`, 'is missing');
      else {
        const { what, entry } = differenceOf(tile, found);
        this.findings.add(`tile ${where}`, what, entry);
      }
    }
  }

  /** After the last row: the tiles that are not full, and those that there should not be. */
  async conclude(tree: GrowingTree): Promise<void> {
    await this.check(tree.partial());
    const { rows } = await this.client.query<{ level: number; index: string }>(
      'SELECT level, index FROM log_tiles WHERE index::numeric * 256 >= div($1::numeric, 256::numeric ^ level) ORDER BY level, index LIMIT 1000',
      [tree.size.toString()],
    );
    for (const { level, index } of rows) this.findings.add(`tile ${level}/${index}`, 'goes on beyond the entries');
  }

  /** Hashes of these tiles, as the rows give them, by `level/index`. What is not there is left out. */
  async hashes(tiles: readonly { readonly level: number; readonly index: bigint }[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = await this.read(tiles);
    for (const { level, index } of tiles) {
      const mended = this.mended.get(`${level}/${index}`);
      if (mended !== undefined) found.set(`${level}/${index}`, mended);
    }
    return found;
  }

  private async read(tiles: readonly { readonly level: number; readonly index: bigint }[]): Promise<Map<string, Buffer>> {
    const { rows } = await this.client.query<{ level: number; index: string; hashes: Buffer }>({
      name: 'tiles',
      text: `SELECT t.level, t.index, t.hashes FROM log_tiles t
             JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index) USING (level, index)`,
      values: [tiles.map(({ level }) => level), tiles.map(({ index }) => index.toString())],
    });
    return new Map(rows.map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
  }
}
