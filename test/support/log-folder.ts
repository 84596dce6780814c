import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  EMPTY_RANGE,
  encodeHeader,
  extend,
  leafHash,
  parseSigner,
  rootOf,
  signCheckpoint,
  TILE_WIDTH,
  tilePath,
  verifierOf,
  type EntryHeader,
  type Hash,
} from '#tlog';

export interface LogPlan {
  readonly entries: number;
  readonly subjects: number;
  readonly skey: string;
  /** What the log's owner signs in place of an honest entry, from its very beginning. */
  readonly instead?: (header: EntryHeader, index: number) => EntryHeader | Uint8Array;
}

/** A log of its own as a folder: checkpoint, keys, hash tiles and entry bundles under the names of C2SP tlog-tiles. */
export async function writeLogFolder(folder: string, { entries, subjects, skey, instead }: LogPlan): Promise<void> {
  const signer = parseSigner(skey);
  const heads = new Map<string, { seq: number; leaf: Hash }>();
  const tiles: { index: bigint; hashes: Hash[] }[] = [];
  let bundle: Buffer[] = [];
  let range = EMPTY_RANGE;
  const put = async (path: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  };
  const putBundle = async (index: bigint): Promise<void> => {
    const path = tilePath(0, index, bundle.length).replace('tile/0/', 'tile/entries/');
    await put(path, Buffer.concat(bundle.flatMap((entry) => [Buffer.of(entry.length >> 8, entry.length & 0xff), entry])));
    bundle = [];
  };
  for (let i = 0; i < entries; i += 1) {
    const subject = uuid(`subject ${i % subjects}`);
    const head = heads.get(subject);
    const header: EntryHeader = {
      v: 1,
      log: signer.name,
      id: uuid(`entry ${i}`),
      subject,
      seq: (head?.seq ?? -1) + 1,
      prev: head === undefined ? null : Buffer.from(head.leaf).toString('base64'),
      type: 'viewing.opened',
      at: new Date(1_790_000_000_000 + i).toISOString(),
      actor: subject,
      pc: digest(`payload ${i}`).toString('base64'),
    };
    const written = instead?.(header, i) ?? header;
    const bytes = written instanceof Uint8Array ? written : encodeHeader(written);
    const leaf = leafHash(bytes);
    heads.set(subject, { seq: header.seq, leaf });
    bundle.push(Buffer.from(bytes));
    const full: number[] = [];
    range = extend(range, leaf, (level, _, hash) => {
      if (level % 8 !== 0) return;
      const tile = (tiles[level / 8] ??= { index: 0n, hashes: [] });
      tile.hashes.push(hash);
      if (tile.hashes.length === TILE_WIDTH) full.push(level / 8);
    });
    for (const level of full) {
      const tile = tiles[level];
      if (tile === undefined) continue;
      if (level === 0) await putBundle(tile.index);
      await put(tilePath(level, tile.index), Buffer.concat(tile.hashes));
      tiles[level] = { index: tile.index + 1n, hashes: [] };
    }
  }
  if (bundle.length > 0) await putBundle(range.size / BigInt(TILE_WIDTH));
  for (const [level, { index, hashes }] of tiles.entries())
    if (hashes.length > 0) await put(tilePath(level, index, hashes.length), Buffer.concat(hashes));
  await put('keys', `${verifierOf(skey).vkey}\n`);
  await put('checkpoint', signCheckpoint({ origin: signer.name, size: range.size, root: rootOf(range) }, signer));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function uuid(name: string): string {
  const digits = digest(name).toString('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20, 32)].join('-');
}
