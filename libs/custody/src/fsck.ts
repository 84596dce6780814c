import {
  canonicalize,
  decodeHeader,
  EMPTY_RANGE,
  extend,
  leafHash,
  openCheckpoint,
  payloadCommitment,
  rootOf,
  TILE_WIDTH,
  TlogError,
  type EntryHeader,
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
  at: string;
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

const PAGE = 2000;
// As in the header. Formatted over there, where another processor does it meanwhile.
const AT = `to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`;
const MOST_FINDINGS = 100;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** What the header says when it commits to this payload; undefined for a payload that is not even canonical JSON: it was never committed to. */
function commitmentTo(salt: Uint8Array, payload: string): string | undefined {
  try {
    return Buffer.from(payloadCommitment(salt, payload)).toString('base64');
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}

interface Expected {
  readonly log: string;
  readonly seq: bigint;
  readonly prev: string | null;
  readonly pc: string | undefined;
}

const ONLY_SHA256 = /^("sha256":"[0-9a-f]{64}",)?$/;

/**
 * True when the header is byte for byte the canonical one of the columns, the chain and the payload: then every single check would pass. All
 * but the entries that somebody touched are, and comparing is several times quicker than parsing. Types are those of headers that were parsed.
 */
function isAsExpected(row: Row, header: string, types: ReadonlySet<string>, { log, seq, prev, pc }: Expected): boolean {
  if (pc === undefined || row.at.length !== 24 || row.seq !== seq.toString() || !types.has(row.type)) return false;
  const actor = row.actor === null ? 'null' : `"${row.actor}"`;
  const before = `{"actor":${actor},"at":"${row.at}","id":"${row.id}","log":${canonicalize(log)},"pc":"${pc}","prev":${prev === null ? 'null' : `"${prev}"`},"seq":${row.seq},`;
  const after = `"subject":"${row.subject}","type":"${row.type}","v":1}`;
  const between = header.length - after.length;
  return (
    header.startsWith(before) &&
    header.endsWith(after) &&
    between >= before.length &&
    ONLY_SHA256.test(header.slice(before.length, between))
  );
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
  const types = new Set<string>();
  let range = EMPTY_RANGE;

  for (let rows = await page(0n), next: Row[]; ; rows = next) {
    // Asked for already, so that the database works while we do.
    const coming = rows.length < PAGE ? Promise.resolve([]) : page(range.size + BigInt(PAGE));
    for (const row of rows) {
      if (BigInt(row.index) !== range.size) {
        found(`entry ${range.size}`, 'is missing');
        await coming;
        return conclude(range.size);
      }
      const leaf = Buffer.from(leafHash(row.header));
      checkRow(row, leaf, heads.get(row.subject));
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
    next = await coming;
    await checkFullTiles();
    if (rows.length < PAGE) break;
  }
  return conclude(BigInt(state.size));

  function page(from: bigint): Promise<Row[]> {
    return query<Row>(
      `SELECT e.index, e.id, e.subject, e.seq, e.type, ${AT}, e.actor, e.header, e.leaf_hash, p.salt, p.payload
       FROM custody_entries e LEFT JOIN custody_payloads p ON p.entry = e.id WHERE e.index >= $1 ORDER BY e.index LIMIT ${PAGE}`,
      [from.toString()],
    );
  }

  function checkRow(row: Row, leaf: Buffer, head: { seq: bigint; leaf: Buffer } | undefined): void {
    const where = `entry ${row.index}`;
    if (!sameBytes(leaf, row.leaf_hash)) found(where, 'its header no longer hashes to its leaf hash');
    const expected: Expected = {
      log: state?.origin ?? '',
      seq: head === undefined ? 0n : head.seq + 1n,
      prev: head?.leaf.toString('base64') ?? null,
      pc: row.salt === null || row.payload === null ? undefined : commitmentTo(row.salt, row.payload),
    };
    if (isAsExpected(row, row.header.toString('utf8'), types, expected)) return;
    if (BigInt(row.seq) !== expected.seq)
      found(where, `it is number ${row.seq} of its subject's chain, expected ${expected.seq}`);
    try {
      const header = decodeHeader(row.header);
      types.add(header.type);
      checkHeader(row, header, expected, where);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      found(where, `its header is malformed: ${error.message}`);
    }
  }

  function checkHeader(row: Row, header: EntryHeader, expected: Expected, where: string): void {
    const columns = { log: expected.log, id: row.id, subject: row.subject, type: row.type, at: row.at, actor: row.actor };
    for (const [name, value] of Object.entries(columns))
      if (header[name as keyof typeof columns] !== value) found(where, `its column ${name} differs from its header`);
    if (row.salt === null || row.payload === null) found(where, 'its payload is missing');
    else if (header.pc !== expected.pc) found(where, 'its payload is not what its header commits to');
    if (header.prev !== expected.prev) found(where, "it does not link to the previous entry of its subject's chain");
    if (BigInt(header.seq) !== expected.seq) found(where, "its header's seq breaks its subject's chain");
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
