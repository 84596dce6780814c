import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'pg';
import { CONFIG, type Config } from '#platform';
import { ObjectStore } from '#storage';
import { TILE_WIDTH, tilePath } from '#tlog';
import { LogFrozen } from './log-frozen.js';

const AT_ONCE = 8;
const TILE_HEIGHT = 8n;

/** A checkpoint as it was mirrored; whether its signature is ours the reader has to see. */
export interface MirroredCheckpoint {
  readonly size: bigint;
  readonly note: string;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Signed checkpoints and the hash tiles they need, in a bucket whose versions nobody can delete: what the database is held against when it
 * comes back from a backup. Keys are `ORIGIN/checkpoint/SIZE-SHA256` (20 digits) and `ORIGIN/tile/…/SHA256` (C2SP tlog-tiles path), so that
 * writing again changes nothing and a listing alone tells what is newest. A checkpoint is written after the last of its tiles.
 */
@Injectable()
export class LogMirror {
  private prepared: Promise<void> | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: ObjectStore,
  ) {}

  /**
   * The checkpoints of the largest size in the mirror: one, or several that have to be compared. `near` is a size to begin looking at.
   * @throws LogFrozen when what is stored is not what its key says, StorageUnavailable
   */
  async newest(origin: string, near: bigint): Promise<MirroredCheckpoint[]> {
    await this.prepare();
    // The keys of years are not listed for the last of them: begin a little before, and go back further only while nothing is found.
    for (let back = 1024n; ; back *= 64n) {
      const from = near > back ? near - back : 0n;
      const found = await this.checkpointsFrom(origin, from);
      if (found.length > 0 || from === 0n) return found;
    }
  }

  /** Mirrors what `checkpoint` needs beyond `before`, the size of a checkpoint that is mirrored already. @throws StorageUnavailable */
  async write(origin: string, checkpoint: MirroredCheckpoint, before: bigint): Promise<void> {
    await this.prepare();
    const client = new Client({ connectionString: this.config.DATABASE_SEQUENCER_URL });
    client.on('error', () => undefined); // the query under way says it too
    await client.connect();
    try {
      for (const tiles of groupsOf(AT_ONCE, tilesBetween(before, checkpoint.size))) {
        const read: Buffer[] = [];
        for (const tile of tiles) read.push(await hashesOf(client, tile));
        await Promise.all(tiles.map((tile, i) => this.writeTile(origin, tile, read[i] ?? Buffer.alloc(0))));
      }
    } finally {
      await client.end();
    }
    await this.writeNote(origin, checkpoint);
  }

  /** Mirrors a checkpoint whose tiles are mirrored already. @throws StorageUnavailable */
  async writeNote(origin: string, { size, note }: MirroredCheckpoint): Promise<void> {
    const bytes = Buffer.from(note, 'utf8');
    await this.put(`${checkpointKey(origin, size)}-${sha256(bytes)}`, bytes, 'text/plain; charset=utf-8');
  }

  private async prepare(): Promise<void> {
    const { S3_LOG_BUCKET: bucket, OBJECT_LOCK_MODE: mode, LOG_LOCK_DAYS: days } = this.config;
    this.prepared ??= this.store.ensureBucket(bucket, { mode, days });
    try {
      await this.prepared;
    } catch (error) {
      this.prepared = undefined;
      throw error;
    }
  }

  private async checkpointsFrom(origin: string, from: bigint): Promise<MirroredCheckpoint[]> {
    const prefix = `${folder(origin)}/checkpoint/`;
    const versions = new Map<string, string[]>();
    let last = '';
    for await (const { key, versionId, deleted } of this.store.listVersions(
      this.config.S3_LOG_BUCKET,
      prefix,
      checkpointKey(origin, from),
    )) {
      const size = key.slice(prefix.length).split('-')[0] ?? '';
      // A delete marker hides nothing: the version beneath it is still locked, and listed.
      if (!/^[0-9]{20}$/.test(size)) throw new LogFrozen(`the mirror holds ${key}, which is no checkpoint`);
      if (deleted || size < last) continue;
      if (size > last) versions.clear();
      last = size;
      versions.set(key, [...(versions.get(key) ?? []), versionId]);
    }
    return Promise.all([...versions].map(([key, ids]) => this.read(key, ids, BigInt(last))));
  }

  private async read(key: string, versionIds: readonly string[], size: bigint): Promise<MirroredCheckpoint> {
    for (const versionId of versionIds) {
      const { stream } = await this.store.open({ bucket: this.config.S3_LOG_BUCKET, key, versionId });
      const bytes = await buffer(stream);
      if (key.endsWith(`-${sha256(bytes)}`)) return { size, note: bytes.toString('utf8') };
    }
    throw new LogFrozen(`the mirrored checkpoint ${key} is not what was written there`);
  }

  private async writeTile(origin: string, { level, index, width }: Tile, hashes: Buffer): Promise<void> {
    await this.put(`${folder(origin)}/${tilePath(level, index, width)}/${sha256(hashes)}`, hashes, 'application/octet-stream');
  }

  private async put(key: string, bytes: Buffer, contentType: string): Promise<void> {
    await this.store.put(this.config.S3_LOG_BUCKET, key, bytes, contentType);
  }
}

/** Several logs may share a bucket; encoded, because an origin holds slashes and none may reach into another's folder. */
function folder(origin: string): string {
  return encodeURIComponent(origin);
}

function checkpointKey(origin: string, size: bigint): string {
  return `${folder(origin)}/checkpoint/${size.toString().padStart(20, '0')}`;
}

interface Tile {
  readonly level: number;
  readonly index: bigint;
  readonly width: number;
}

async function hashesOf(client: Client, { level, index, width }: Tile): Promise<Buffer> {
  const { rows } = await client.query<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = $1 AND index = $2', [
    level,
    index.toString(),
  ]);
  const hashes = rows[0]?.hashes.subarray(0, width * 32);
  if (hashes?.length !== width * 32) throw new Error(`tile ${level}/${index} is missing or short`);
  return hashes;
}

function* groupsOf<T>(size: number, things: Iterable<T>): Generator<T[]> {
  let group: T[] = [];
  for (const thing of things) {
    group.push(thing);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** The hash tiles of the tree of `size` leaves that are not full tiles of the tree of `before` leaves. */
function* tilesBetween(before: bigint, size: bigint): Generator<Tile> {
  for (let level = 0; size >> (TILE_HEIGHT * BigInt(level)) > 0n; level++) {
    const hashes = size >> (TILE_HEIGHT * BigInt(level));
    const full = hashes >> TILE_HEIGHT;
    for (let index = before >> (TILE_HEIGHT * BigInt(level + 1)); index < full; index++)
      yield { level, index, width: TILE_WIDTH };
    const rest = Number(hashes % BigInt(TILE_WIDTH));
    if (rest > 0) yield { level, index: full, width: rest };
  }
}
