import type { Client } from 'pg';
import { encodeHeader, extend, leafHash, type CompactRange } from '#tlog';
import { LogFrozen } from './log-frozen.js';
import { TileAdditions } from './log-tiles.js';

/** What somebody asked to have logged. */
export interface PendingEntry {
  readonly ord: string;
  readonly id: string;
  readonly subject: string;
  readonly type: string;
  readonly at: Date;
  readonly actor: string | null;
  readonly sha256: Buffer | null;
  readonly pc: Buffer;
}

/** The log as a batch finds it. */
export interface LogState {
  readonly origin: string;
  readonly range: CompactRange;
}

interface Head {
  readonly seq: number;
  readonly leaf: Uint8Array;
}

interface PlacedEntry {
  readonly entry: PendingEntry;
  readonly at: string;
  readonly seq: number;
  readonly header: Uint8Array;
  readonly leaf: Uint8Array;
}

// The statements have names, so that the database parses and plans them once a connection and not for every batch.

// Not by "id greater than the last": a transaction that commits late would be lost. DESIGN.md §5
const TAKE = {
  name: 'take-pending',
  text: `DELETE FROM custody_pending
         WHERE ord = ANY (ARRAY (SELECT ord FROM custody_pending ORDER BY ord LIMIT $1 FOR UPDATE SKIP LOCKED))
         RETURNING ord, id, subject, type, at, actor, sha256, pc`,
};

const READ_HEADS = {
  name: 'read-heads',
  text: `SELECT s AS subject, e.seq, e.leaf_hash FROM unnest($1::uuid[]) AS s
         CROSS JOIN LATERAL (SELECT seq, leaf_hash FROM custody_entries WHERE subject = s ORDER BY seq DESC LIMIT 1) AS e`,
};

// Headers and leaf hashes travel in one piece each: an array of bytea would be sent, and read, as hexadecimal text.
const INSERT_ENTRIES = {
  name: 'insert-entries',
  text: `INSERT INTO custody_entries (index, id, subject, seq, type, at, actor, header, leaf_hash)
         SELECT $1::bigint + n - 1, id, subject, seq, type, at, actor,
           substring($9::bytea FROM (sum(bytes) OVER (ORDER BY n) - bytes)::int + 1 FOR bytes),
           substring($10::bytea FROM (n - 1)::int * 32 + 1 FOR 32)
         FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[], $7::uuid[], $8::int[])
           WITH ORDINALITY AS e (id, subject, seq, type, at, actor, bytes, n)`,
};

// Answers which ones fitted: those whose tile had exactly so many hashes before.
const EXTEND_TILES = {
  name: 'extend-tiles',
  text: `INSERT INTO log_tiles AS tile (level, index, hashes)
         SELECT level, index, substring($5::bytea FROM (sum(bytes) OVER (ORDER BY n) - bytes)::int + 1 FOR bytes)
         FROM unnest($1::smallint[], $2::bigint[], $3::int[], $4::int[]) WITH ORDINALITY AS new (level, index, hashes_before, bytes, n)
         WHERE hashes_before * 32
           = coalesce((SELECT length(hashes) FROM log_tiles AS old WHERE old.level = new.level AND old.index = new.index), 0)
         ON CONFLICT (level, index) DO UPDATE SET hashes = tile.hashes || excluded.hashes
         RETURNING level || '/' || index AS path`,
};

const MOVE_STATE = { name: 'move-state', text: 'UPDATE log_state SET size = $1, peaks = $2 WHERE size = $3' };

/** Takes up to `limit` pending entries, first asked first, out of their queue for as long as the transaction stands. */
export async function takePending(client: Client, limit: number): Promise<PendingEntry[]> {
  const { rows } = await client.query<PendingEntry>({ ...TAKE, values: [limit] });
  // prev must follow cause, and rows come back in any order.
  return rows.sort((a, b) => (BigInt(a.ord) < BigInt(b.ord) ? -1 : 1));
}

/**
 * Gives the entries their places after those of `before`, in the transaction that `client` is in.
 * @throws LogFrozen when the tiles do not end where `before` does, Error when another sequencer was faster, TlogError for what makes no header
 */
export async function placeEntries(client: Client, entries: readonly PendingEntry[], before: LogState): Promise<void> {
  const additions = new TileAdditions();
  const heads = await readHeads(client, entries);
  let { range } = before;
  const placed = entries.map((entry): PlacedEntry => {
    const at = entry.at.toISOString();
    const head = heads.get(entry.subject);
    const seq = head === undefined ? 0 : head.seq + 1;
    const header = encodeHeader({
      v: 1,
      log: before.origin,
      id: entry.id,
      subject: entry.subject,
      seq,
      prev: head === undefined ? null : base64(head.leaf),
      type: entry.type,
      at,
      actor: entry.actor,
      ...(entry.sha256 === null ? {} : { sha256: entry.sha256.toString('hex') }),
      pc: base64(entry.pc),
    });
    const leaf = leafHash(header);
    range = extend(range, leaf, (level, node, hash) => additions.add(level, node, hash));
    heads.set(entry.subject, { seq, leaf });
    return { entry, at, seq, header, leaf };
  });
  await insertEntries(client, placed, before.range.size);
  await extendTiles(client, additions);
  const { rowCount } = await client.query({
    ...MOVE_STATE,
    values: [range.size.toString(), Buffer.concat(range.nodes), before.range.size.toString()],
  });
  if (rowCount !== 1) throw new Error('another sequencer was faster');
}

async function readHeads(client: Client, entries: readonly PendingEntry[]): Promise<Map<string, Head>> {
  const subjects = [...new Set(entries.map(({ subject }) => subject))];
  const { rows } = await client.query<{ subject: string; seq: string; leaf_hash: Buffer }>({ ...READ_HEADS, values: [subjects] });
  return new Map(rows.map(({ subject, seq, leaf_hash: leaf }) => [subject, { seq: Number(seq), leaf }]));
}

async function insertEntries(client: Client, placed: readonly PlacedEntry[], first: bigint): Promise<void> {
  await client.query({
    ...INSERT_ENTRIES,
    values: [
      first.toString(),
      placed.map(({ entry }) => entry.id),
      placed.map(({ entry }) => entry.subject),
      placed.map(({ seq }) => seq),
      placed.map(({ entry }) => entry.type),
      placed.map(({ at }) => at),
      placed.map(({ entry }) => entry.actor),
      placed.map(({ header }) => header.length),
      Buffer.concat(placed.map(({ header }) => header)),
      Buffer.concat(placed.map(({ leaf }) => leaf)),
    ],
  });
}

async function extendTiles(client: Client, additions: TileAdditions): Promise<void> {
  const tiles = [...additions];
  const { rows } = await client.query<{ path: string }>({
    ...EXTEND_TILES,
    values: [
      tiles.map(({ level }) => level),
      tiles.map(({ index }) => index.toString()),
      tiles.map(({ offset }) => offset),
      tiles.map(({ bytes }) => bytes.length),
      Buffer.concat(tiles.map(({ bytes }) => bytes)),
    ],
  });
  const fitted = new Set(rows.map(({ path }) => path));
  const misfit = tiles.map(({ level, index }) => `${level}/${index}`).find((path) => !fitted.has(path));
  if (misfit !== undefined) throw new LogFrozen(`tile ${misfit} does not fit the log's state`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
