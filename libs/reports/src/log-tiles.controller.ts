import { Controller, Get, Header, Param, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { CustodyLog, readEntryBundle, readHashTile } from '#custody';
import { Asks } from '#identity';
import { NotFound } from '#platform';
import { TILE_WIDTH } from '#tlog';
import { isCovered, parseTileLevel, parseTilePath, type TileAddress } from './log-tile-path.rules.js';
import { LogInconsistent } from './log-inconsistent.js';

const BYTES = 'application/octet-stream';
// A partial tile never changes either: its width says which of the hashes it holds.
const FOR_EVER = 'max-age=31536000, immutable';

/** The log as C2SP tlog-tiles wants it: hash tiles for anybody, what the entries say for auditors. Only what a checkpoint covers. */
@ApiTags('log')
@Controller('log/tile')
export class LogTilesController {
  constructor(private readonly log: CustodyLog) {}

  /** An entry bundle: `path` is the tile's index in groups of three digits and, when it is not full, its width, as in `x001/234.p/17`. */
  @Get('entries/*')
  @Header('Cache-Control', `private, ${FOR_EVER}`)
  @ApiProduces(BYTES)
  @Asks('log.read-entries')
  async entries(@Param('*') path: string): Promise<StreamableFile> {
    const tile = await this.covered(0, parseTilePath(path));
    const bytes = await readEntryBundle(this.log.query, tile.index * BigInt(TILE_WIDTH), tile.width);
    if (bytes === undefined) throw new LogInconsistent('entries', `The entry bundle ${path} is not whole.`);
    return new StreamableFile(bytes, { type: BYTES, length: bytes.length });
  }

  /** A hash tile of that level: `path` is its index in groups of three digits and, when it is not full, its width, as in `x001/234.p/17`. */
  @Get(':level/*')
  @Header('Cache-Control', `public, ${FOR_EVER}`)
  @ApiProduces(BYTES)
  @Asks('log.read')
  async hashes(@Param('level') levelText: string, @Param('*') path: string): Promise<StreamableFile> {
    const level = parseTileLevel(levelText);
    const tile = await this.covered(level, parseTilePath(path));
    const bytes = await readHashTile(this.log.query, level ?? 0, tile.index, tile.width);
    if (bytes === undefined) throw new LogInconsistent('tiles', `The tile ${levelText}/${path} is not whole.`);
    return new StreamableFile(bytes, { type: BYTES, length: bytes.length });
  }

  /** @throws NotFound for what is no address of a tile, or lies beyond the newest checkpoint */
  private async covered(level: number | undefined, tile: TileAddress | undefined): Promise<TileAddress> {
    if (level === undefined || tile === undefined) throw new NotFound('tile');
    const newest = await this.log.newestCheckpoint();
    if (newest === undefined || !isCovered(level, tile, newest.size)) throw new NotFound('tile');
    return tile;
  }
}
