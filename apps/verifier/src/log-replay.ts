import { openTrusted, TILE_WIDTH, tilePath, TlogError, type Checkpoint, type LogTrust } from '#tlog';
import { BUNDLE_BYTES, EntryReader } from './log-entries.js';
import { LogFault, type LogCheckName } from './log-fault.js';
import type { LogSource } from './log-source.js';
import { firstDifference, HASH_BYTES, LogTree, TILE_BYTES } from './log-tree.js';

export interface LogCheck {
  readonly name: LogCheckName;
  readonly ok: boolean;
  readonly where?: string;
  readonly detail: string;
}

/** `ok` only when every check is. What was not checked is not in `checks`. */
export interface LogVerdict {
  readonly ok: boolean;
  readonly checks: readonly LogCheck[];
  /** False: only the hash tiles were there to be checked, not what the entries say. */
  readonly entriesRead: boolean;
  readonly checkpoint?: Checkpoint;
  /** Who cosigned the checkpoint, of those whom the policy names. */
  readonly cosigners: readonly string[];
}

const CHECKPOINT_BYTES = 1 << 20;
/** Tiles under way at once: enough to hide the network's delay, and a bound to what is held in memory. */
const AHEAD = 12;

/**
 * Replays a whole log: from what its files say every leaf, tile and root is derived again and must be the one that was signed, by those whom `trust` names.
 * Ends at the first fault, because after it everything differs. @throws LogUnreadable
 */
export async function replayLog(
  source: LogSource,
  trust: LogTrust,
  progress: (done: bigint, size: bigint) => void = () => undefined,
): Promise<LogVerdict> {
  const checks: LogCheck[] = [];
  const passed = (name: LogCheckName, detail: string): void => void checks.push({ name, ok: true, detail });
  const entriesRead = await source.withEntries();
  let checkpoint: Checkpoint | undefined;
  let cosigners: readonly string[] = [];
  try {
    const signed = await readCheckpoint(source, trust);
    checkpoint = signed.checkpoint;
    cosigners = signed.cosigners.map(({ alias }) => alias);
    const { origin, size } = checkpoint;
    // With the times, because an old checkpoint verifies for ever: who expects a newer one sees here what was shown.
    const lines = signed.cosigners.map(({ alias, time }) => `${alias} at ${time.toISOString()}`);
    const cosigned = lines.length > 0 ? `, cosigned by ${lines.join(', ')}` : '';
    passed('checkpoint', `signed by the log ${origin} over ${size} entries${cosigned}.`);
    const tree = new LogTree((path, width) => readTile(source, path, width));
    const entries = entriesRead ? new EntryReader(origin) : undefined;
    for await (const { hashes, bundle } of tilesOf(source, size, entriesRead)) {
      if (entries !== undefined && bundle !== undefined) entries.readBundle(bundle.bytes, hashes.bytes, bundle.path);
      await tree.add(hashes.bytes);
      progress(hashes.end, size);
    }
    const root = await tree.finish();
    if (firstDifference(root, checkpoint.root) !== undefined)
      throw new LogFault('tiles', 'checkpoint', 'the tiles lead to another root than the one that was signed.');
    passed('tiles', `${tree.tiles} hash tiles, each derived from those below it, lead to the signed root.`);
    if (entries !== undefined) {
      passed('entries', `${entries.entries} headers, each in canonical form, hash to the leaves of the tree.`);
      passed('chains', `${entries.subjects} subjects, each with one chain, linked and without a gap.`);
    }
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    checks.push({ name: error.check, ok: false, where: error.where, detail: error.message });
  }
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    entriesRead,
    cosigners,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

async function readCheckpoint(source: LogSource, trust: LogTrust): Promise<ReturnType<typeof openTrusted>> {
  const bytes = await source.read('checkpoint', CHECKPOINT_BYTES);
  if (bytes === undefined) throw new LogFault('checkpoint', 'checkpoint', 'there is none.');
  try {
    return openTrusted(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), trust);
  } catch (error) {
    if (error instanceof TlogError) throw new LogFault('checkpoint', 'checkpoint', error.message);
    if (error instanceof TypeError) throw new LogFault('checkpoint', 'checkpoint', 'it is not UTF-8.');
    throw error;
  }
}

interface File {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface TileOfEntries {
  /** `end` is the number of entries up to the end of this tile. */
  readonly hashes: { readonly bytes: Uint8Array; readonly end: bigint };
  readonly bundle: File | undefined;
}

/** The tiles of level 0 with their entry bundles, first one first; the next ones are read meanwhile. */
async function* tilesOf(source: LogSource, size: bigint, entriesRead: boolean): AsyncGenerator<TileOfEntries> {
  const width = BigInt(TILE_WIDTH);
  const count = (size + width - 1n) / width;
  const read = async (index: bigint): Promise<TileOfEntries> => {
    const end = (index + 1n) * width < size ? (index + 1n) * width : size;
    const places = Number(end - index * width);
    const path = tilePath(0, index, places);
    const [bytes, bundle] = await Promise.all([
      readTile(source, path, places),
      entriesRead ? readBundle(source, path.replace('tile/0/', 'tile/entries/')) : undefined,
    ]);
    return { hashes: { bytes, end }, bundle };
  };
  const underWay: Promise<TileOfEntries>[] = [];
  let next = 0n;
  for (let index = 0n; index < count; index += 1n) {
    for (; next < count && next < index + BigInt(AHEAD); next += 1n) {
      const reading = read(next);
      // Whoever gets to it sees the failure; until then, and when nobody does, it must not end the process.
      reading.catch(() => undefined);
      underWay.push(reading);
    }
    const tile = await underWay.shift();
    if (tile !== undefined) yield tile;
  }
}

async function readTile(source: LogSource, path: string, width: number): Promise<Uint8Array> {
  const bytes = await source.read(path, TILE_BYTES);
  if (bytes === undefined) throw new LogFault('tiles', path, 'it is missing.');
  const expected = HASH_BYTES * width;
  if (bytes.length !== expected)
    throw new LogFault('tiles', path, `it has ${bytes.length > expected ? 'more' : 'less'} than its ${expected} bytes.`);
  return bytes;
}

async function readBundle(source: LogSource, path: string): Promise<File> {
  const bytes = await source.read(path, BUNDLE_BYTES);
  if (bytes === undefined) throw new LogFault('entries', path, 'it is missing.');
  return { path, bytes };
}
