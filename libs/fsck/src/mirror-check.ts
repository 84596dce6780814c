import { openCheckpoint, TILE_WIDTH, tilePath, TlogError, verifyCosignatures, type Checkpoint } from '#tlog';
import { BySize } from './by-size.js';
import type { Trusted } from './checkpoint-check.js';
import { inOrder } from './concurrency.js';
import { sha256Hex } from './digests.js';
import type { Findings } from './findings.js';
import type { GrowingTree } from './growing-tree.js';
import type { ListedKey, StoredObjects } from './stored-objects.js';
import { differenceOf, type TileCheck } from './tile-check.js';

export interface MirrorBucket {
  readonly store: StoredObjects;
  readonly bucket: string;
}

interface MirroredKey {
  /** Without the log's folder. */
  readonly name: string;
  /** What the key says it holds, if a version does; undefined when none does. */
  readonly bytes: Buffer | undefined;
}

interface MirroredCheckpoint extends MirroredKey {
  readonly size: bigint;
}

interface MirroredTile extends MirroredKey {
  readonly level: number;
  readonly index: bigint;
  readonly width: number;
  readonly sha256: string;
}

/** Said by the mirror of more entries than the snapshot of the database holds. */
interface Beyond {
  readonly name: string;
  readonly size: bigint;
}

const AT_ONCE = 16;
const BATCH = 128;
const MOST_BEYOND = 1000;
const CHECKPOINT_KEY = /^checkpoint\/([0-9]{20})-([0-9a-f]{64})$/;
const TILE_KEY = /^(tile\/([0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?)\/([0-9a-f]{64})$/;

/** The mirror (libs/custody/README.md) against the rows: checkpoints while the tree grows, tiles when it is whole. */
export class MirrorCheck {
  checkpoints = 0;
  tiles = 0;
  /** Versions that were written once more, as a mirror does that heard nothing of its first attempt: their bytes are right. */
  again = 0;
  /** Size of the newest mirrored checkpoint that the rows reach. */
  newest = 0n;
  private readonly beyond: Beyond[] = [];
  private following: BySize<MirroredCheckpoint> | undefined;

  constructor(
    private readonly mirror: MirrorBucket,
    private readonly origin: string,
    private readonly trusted: Trusted,
    private readonly findings: Findings,
  ) {}

  /** @throws StoreUnreadable, as every method */
  async begin(): Promise<void> {
    this.following = await BySize.of(inOrder(this.listCheckpoints(), AT_ONCE, (listed) => this.readCheckpoint(listed)));
  }

  due(size: bigint): boolean {
    return this.following?.due(size) === true;
  }

  async check(tree: GrowingTree): Promise<void> {
    while (this.due(tree.size)) {
      const mirrored = await this.following?.take();
      if (mirrored !== undefined) this.checkCheckpoint(mirrored, tree);
    }
  }

  /** Whether there is anything of this log, now: a log whose first checkpoint was just signed has its mirror a moment later. */
  async isEmpty(): Promise<boolean> {
    if (this.checkpoints > 0) return false;
    for await (const _ of this.list('checkpoint')) return false;
    return true;
  }

  /** After the last row. `sizeNow` is asked for how far the log goes at that moment: it grows while it is read. */
  async conclude(tree: GrowingTree, stored: TileCheck, sizeNow: () => Promise<bigint>): Promise<void> {
    while (this.beyond.length < MOST_BEYOND) {
      const mirrored = await this.following?.take();
      if (mirrored === undefined) break;
      this.checkpoints += 1;
      if (this.open(mirrored) !== undefined) this.beyond.push(mirrored);
    }
    await this.following?.close();
    await this.checkTiles(tree, stored);
    if (this.beyond.length === 0) return;
    const now = await sizeNow();
    for (const { name, size } of this.beyond) {
      if (size <= now) continue;
      this.findings.add(`mirror ${name}`, `it speaks of ${size} entries, but only ${now} are there: the log was rolled back`);
    }
  }

  private checkCheckpoint(mirrored: MirroredCheckpoint, tree: GrowingTree): void {
    this.checkpoints += 1;
    const checkpoint = this.open(mirrored);
    if (checkpoint === undefined) return;
    this.newest = mirrored.size;
    if (Buffer.compare(checkpoint.root, tree.root()) !== 0)
      this.findings.add(`mirror ${mirrored.name}`, `the first ${mirrored.size} entries do not have the root that was mirrored`);
  }

  /** The checkpoint if it is one of this log, signed by it. */
  private open({ name, size, bytes }: MirroredCheckpoint): Checkpoint | undefined {
    if (bytes === undefined) return undefined;
    try {
      const note = bytes.toString('utf8');
      const checkpoint = openCheckpoint(note, this.trusted.logKeys);
      if (this.trusted.policy !== undefined) verifyCosignatures(note, this.trusted.policy.witnesses);
      if (checkpoint.origin === this.origin && checkpoint.size === size) return checkpoint;
      this.findings.add(`mirror ${name}`, 'it was signed for another log or size');
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.findings.add(`mirror ${name}`, `it is not a checkpoint of this log: ${error.message}`);
    }
    return undefined;
  }

  private async *list(kind: 'checkpoint' | 'tile'): AsyncGenerator<ListedKey> {
    const folder = `${encodeURIComponent(this.origin)}/`;
    for await (const { key, versions } of this.mirror.store.list(this.mirror.bucket, `${folder}${kind}/`))
      yield { key: key.slice(folder.length), versions };
  }

  private async *listCheckpoints(): AsyncGenerator<ListedKey> {
    for await (const listed of this.list('checkpoint')) {
      if (CHECKPOINT_KEY.test(listed.key)) yield listed;
      else this.findings.add(`mirror ${listed.key}`, 'is no name of a checkpoint');
    }
  }

  private async readCheckpoint(listed: ListedKey): Promise<MirroredCheckpoint> {
    const [, size = '', sha256 = ''] = CHECKPOINT_KEY.exec(listed.key) ?? [];
    return { name: listed.key, size: BigInt(size), bytes: await this.readVersions(listed, sha256) };
  }

  /** Sees to it that every version holds what its key says, and is locked. @returns it, if there is one */
  private async readVersions({ key: name, versions }: ListedKey, sha256: string): Promise<Buffer | undefined> {
    const where = `mirror ${name}`;
    let bytes: Buffer | undefined;
    for (const { versionId, deleted } of versions) {
      if (deleted) {
        this.findings.add(where, 'there is a delete marker over it');
        continue;
      }
      const key = `${encodeURIComponent(this.origin)}/${name}`;
      const version = await this.mirror.store.read({ bucket: this.mirror.bucket, key, versionId });
      if (version === undefined) this.findings.add(where, `its version ${versionId} is listed but not there`);
      else {
        if (version.lock === undefined) this.findings.add(where, `its version ${versionId} is not locked`);
        if (sha256Hex(version.bytes) !== sha256)
          this.findings.add(where, `its version ${versionId} is not what was written there`);
        else if (bytes === undefined) ({ bytes } = version);
        else this.again += 1;
      }
    }
    if (bytes === undefined) this.findings.add(where, 'no version of it holds what was written there');
    return bytes;
  }

  private async checkTiles(tree: GrowingTree, stored: TileCheck): Promise<void> {
    const needed = new NeededTiles(this.newest);
    let batch: MirroredTile[] = [];
    const checkBatch = async (): Promise<void> => {
      const hashes = await stored.hashes(batch);
      for (const tile of batch) this.checkTile(tile, hashes.get(`${tile.level}/${tile.index}`), tree.size, needed);
      batch = [];
    };
    for await (const tile of inOrder(this.listTiles(), AT_ONCE, (found) => this.readTile(found))) {
      if (batch.push(tile) >= BATCH) await checkBatch();
    }
    if (batch.length > 0) await checkBatch();
    for (const path of needed.missing()) this.findings.add(`mirror ${path}`, 'is missing');
  }

  private checkTile(tile: MirroredTile, hashes: Buffer | undefined, size: bigint, needed: NeededTiles): void {
    this.tiles += 1;
    const { name, level, index, width, sha256, bytes } = tile;
    const reaches = (index * BigInt(TILE_WIDTH) + BigInt(width)) << BigInt(8 * level);
    if (reaches > size) {
      if (this.beyond.length < MOST_BEYOND) this.beyond.push({ name, size: reaches });
      return;
    }
    const expected = hashes?.subarray(0, width * 32);
    if (expected === undefined || sha256Hex(expected) !== sha256) {
      const { what, entry } =
        bytes === undefined || expected === undefined
          ? { what: 'differs from the entries', entry: undefined }
          : differenceOf({ level, index, hashes: expected }, bytes);
      this.findings.add(`mirror ${name}`, what, entry);
    } else if (bytes !== undefined) needed.found(tile);
  }

  private async *listTiles(): AsyncGenerator<Omit<MirroredTile, 'bytes'> & { readonly listed: ListedKey }> {
    for await (const listed of this.list('tile')) {
      const [, path, level = '', number = '', width = String(TILE_WIDTH), sha256 = ''] = TILE_KEY.exec(listed.key) ?? [];
      const tile = { level: Number(level), index: BigInt(number.replaceAll(/[x/]/g, '')), width: Number(width) };
      if (path !== undefined && isPathOf(path, tile)) yield { name: listed.key, ...tile, sha256, listed };
      else this.findings.add(`mirror ${listed.key}`, 'is no name of a tile');
    }
  }

  private async readTile(found: Omit<MirroredTile, 'bytes'> & { readonly listed: ListedKey }): Promise<MirroredTile> {
    const { listed, ...tile } = found;
    return { ...tile, bytes: await this.readVersions(listed, tile.sha256) };
  }
}

function isPathOf(path: string, { level, index, width }: { level: number; index: bigint; width: number }): boolean {
  try {
    return tilePath(level, index, width) === path;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

/** The tiles of the tree of `size` leaves, and which of them were found. One bit for each. */
class NeededTiles {
  private readonly levels: { readonly full: bigint; readonly seen: Uint8Array; readonly width: number; partSeen: boolean }[] = [];

  constructor(size: bigint) {
    for (let hashes = size; hashes > 0n; hashes >>= 8n) {
      const full = hashes >> 8n;
      const seen = new Uint8Array(Number(full / 8n) + 1);
      this.levels.push({ full, seen, width: Number(hashes % BigInt(TILE_WIDTH)), partSeen: false });
    }
  }

  found({ level, index, width }: { readonly level: number; readonly index: bigint; readonly width: number }): void {
    const needed = this.levels[level];
    if (needed === undefined) return;
    if (width === TILE_WIDTH && index < needed.full) {
      const byte = Number(index / 8n);
      needed.seen[byte] = (needed.seen[byte] ?? 0) | (1 << Number(index % 8n));
    } else if (index === needed.full && width === needed.width) needed.partSeen = true;
  }

  *missing(): Generator<string> {
    for (const [level, { full, seen, width, partSeen }] of this.levels.entries()) {
      for (let index = 0n; index < full; index++)
        if (((seen[Number(index / 8n)] ?? 0) & (1 << Number(index % 8n))) === 0) yield tilePath(level, index);
      if (width > 0 && !partSeen) yield tilePath(level, full, width);
    }
  }
}
