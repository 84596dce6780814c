import {
  decodeHeader,
  EMPTY_RANGE,
  extend,
  leafHash,
  openCheckpoint,
  payloadCommitment,
  rootOf,
  TILE_WIDTH,
  TlogError,
  type NoteVerifier,
} from '#tlog';
import type { Query } from './log-tiles.js';

export interface Finding {
  /** Where, e.g. `entry 17`, `checkpoint 40`, `tile 0/0`. */
  readonly where: string;
  readonly what: string;
}

export interface FsckReport {
  readonly ok: boolean;
  readonly origin: string;
  readonly entries: bigint;
  readonly checkpoints: number;
  readonly findings: readonly Finding[];
}

interface Row {
  index: string;
  id: string;
  subject: string;
  seq: string;
  type: string;
  at: Date;
  actor: string | null;
  header: Buffer;
  leaf_hash: Buffer;
  salt: Buffer | null;
  payload: string | null;
}

interface CheckpointRow {
  size: string;
  root: Buffer;
  note: string;
}

const PAGE = 5000;
const MOST_FINDINGS = 100;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** A payload that is not even canonical JSON was never committed to. */
function commits(pc: string, salt: Uint8Array, payload: string): boolean {
  try {
    return Buffer.from(payloadCommitment(salt, payload)).toString('base64') === pc;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

/** Re-derives the whole log from its rows and believes none of them: only the signatures of `logKeys` are taken as given. */
export async function fsck(query: Query, logKeys: readonly NoteVerifier[]): Promise<FsckReport> {
  const findings: Finding[] = [];
  const found = (where: string, what: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push({ where, what });
  };
  const [state] = await query<{ origin: string; size: string; peaks: Buffer }>('SELECT origin, size, peaks FROM log_state', []);
  if (state === undefined)
    return { ok: false, origin: '', entries: 0n, checkpoints: 0, findings: [{ where: 'log_state', what: 'there is no log' }] };

  const checkpoints = await query<CheckpointRow>('SELECT size, root, note FROM log_checkpoints ORDER BY size', []);
  const checkpointAt = new Map(checkpoints.map((row) => [BigInt(row.size), row]));
  const heads = new Map<string, { seq: bigint; leaf: Buffer }>();
  const tiles = new Map<string, Uint8Array[]>();
  let range = EMPTY_RANGE;

  for (;;) {
    const rows = await query<Row>(
      `SELECT e.index, e.id, e.subject, e.seq, e.type, e.at, e.actor, e.header, e.leaf_hash, p.salt, p.payload
       FROM custody_entries e LEFT JOIN custody_payloads p ON p.entry = e.id WHERE e.index >= $1 ORDER BY e.index LIMIT ${PAGE}`,
      [range.size.toString()],
    );
    for (const row of rows) {
      const where = `entry ${row.index}`;
      if (BigInt(row.index) !== range.size) {
        found(`entry ${range.size}`, 'is missing');
        return conclude(range.size);
      }
      checkRow(row, where);
      const leaf = Buffer.from(leafHash(row.header));
      const head = heads.get(row.subject);
      const expected = { seq: head === undefined ? 0n : head.seq + 1n, prev: head?.leaf.toString('base64') ?? null };
      checkChain(row, expected, where);
      heads.set(row.subject, { seq: BigInt(row.seq), leaf });
      range = extend(range, leaf, (level, index, hash) => {
        if (level % 8 !== 0) return;
        const key = `${level / 8}/${index >> 8n}`;
        const tile = tiles.get(key) ?? [];
        tile.push(hash);
        tiles.set(key, tile);
      });
      checkCheckpoint(range.size);
    }
    await checkFullTiles();
    if (rows.length < PAGE) break;
  }
  return conclude(BigInt(state.size));

  function checkRow(row: Row, where: string): void {
    if (!sameBytes(leafHash(row.header), row.leaf_hash)) found(where, 'its header no longer hashes to its leaf hash');
    try {
      const header = decodeHeader(row.header);
      const columns = {
        log: state?.origin,
        id: row.id,
        subject: row.subject,
        type: row.type,
        at: row.at.toISOString(),
        actor: row.actor,
      };
      for (const [name, value] of Object.entries(columns))
        if (header[name as keyof typeof columns] !== value) found(where, `its column ${name} differs from its header`);
      if (row.salt === null || row.payload === null) found(where, 'its payload is missing');
      else if (!commits(header.pc, row.salt, row.payload)) found(where, 'its payload is not what its header commits to');
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      found(where, `its header is malformed: ${error.message}`);
    }
  }

  function checkChain(row: Row, expected: { seq: bigint; prev: string | null }, where: string): void {
    if (BigInt(row.seq) !== expected.seq)
      found(where, `it is number ${row.seq} of its subject's chain, expected ${expected.seq}`);
    try {
      const header = decodeHeader(row.header);
      if (header.prev !== expected.prev) found(where, "it does not link to the previous entry of its subject's chain");
      if (BigInt(header.seq) !== expected.seq) found(where, "its header's seq breaks its subject's chain");
    } catch {
      // said by checkRow
    }
  }

  function checkCheckpoint(size: bigint): void {
    const row = checkpointAt.get(size);
    if (row === undefined) return;
    checkpointAt.delete(size);
    const where = `checkpoint ${size}`;
    try {
      const signed = openCheckpoint(row.note, logKeys);
      if (signed.origin !== state?.origin || signed.size !== size) found(where, 'it was signed for another log or size');
      if (!sameBytes(signed.root, rootOf(range)))
        found(where, `the first ${size} entries no longer have the root that was signed`);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      found(where, `its signature does not verify: ${error.message}`);
    }
  }

  async function checkFullTiles(): Promise<void> {
    for (const [key, hashes] of tiles) {
      if (hashes.length < 256) continue;
      await checkTile(key, hashes);
      tiles.delete(key);
    }
  }

  async function checkTile(key: string, hashes: readonly Uint8Array[]): Promise<void> {
    const [level, index] = key.split('/');
    const [row] = await query<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = $1 AND index = $2', [level, index]);
    if (row === undefined) return found(`tile ${key}`, 'is missing');
    if (sameBytes(row.hashes, Buffer.concat(hashes))) return;
    const first = hashes.findIndex((hash, i) => !sameBytes(hash, row.hashes.subarray(i * 32, (i + 1) * 32)));
    if (first === -1) found(`tile ${key}`, 'goes on beyond the entries');
    else if (level === '0')
      found(`tile ${key}`, `differs from the entries, first at entry ${BigInt(index ?? 0) * BigInt(TILE_WIDTH) + BigInt(first)}`);
    else found(`tile ${key}`, `differs from the entries, first at its hash ${first}`);
  }

  async function conclude(expectedSize: bigint): Promise<FsckReport> {
    for (const [key, hashes] of tiles) await checkTile(key, hashes);
    if (range.size !== expectedSize || BigInt(state?.size ?? 0) !== range.size)
      found('log_state', `it says ${state?.size} entries, but ${range.size} are there`);
    else if (!sameBytes(state?.peaks ?? Buffer.alloc(0), Buffer.concat(range.nodes)))
      found('log_state', 'its tree state differs from the entries');
    for (const size of checkpointAt.keys())
      found(`checkpoint ${size}`, `it was signed over ${size} entries, but only ${range.size} are there`);
    return {
      ok: findings.length === 0,
      origin: state?.origin ?? '',
      entries: range.size,
      checkpoints: checkpoints.length,
      findings,
    };
  }
}
