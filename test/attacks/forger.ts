import { decodeHeader, encodeHeader, EMPTY_RANGE, extend, leafHash, TILE_WIDTH, type EntryHeader } from '#tlog';
import type { Query } from '#custody';

/**
 * Makes another history of the log, and makes everything fit it: seq and prev of every chain, leaf hashes, columns, tiles and state. What is
 * beyond whoever owns the database is the log's key, and what is outside.
 */
export async function forgeHistory(run: Query, change: (entries: EntryHeader[]) => EntryHeader[]): Promise<void> {
  const rows = await run<{ header: Buffer }>('SELECT header FROM custody_entries ORDER BY index', []);
  const heads = new Map<string, { seq: number; prev: string }>();
  const tiles: Uint8Array[][] = [];
  let range = EMPTY_RANGE;
  await run('DELETE FROM custody_entries', []);
  for (const entry of change(rows.map(({ header }) => decodeHeader(header)))) {
    const head = heads.get(entry.subject);
    const seq = head === undefined ? 0 : head.seq + 1;
    const header = encodeHeader({ ...entry, seq, prev: head?.prev ?? null });
    const leaf = leafHash(header);
    heads.set(entry.subject, { seq, prev: Buffer.from(leaf).toString('base64') });
    await run(
      `INSERT INTO custody_entries (index, id, subject, seq, type, at, actor, header, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [range.size.toString(), entry.id, entry.subject, seq, entry.type, entry.at, entry.actor, header, leaf],
    );
    range = extend(range, leaf, (level, _, hash) => {
      if (level % 8 === 0) (tiles[level / 8] ??= []).push(hash);
    });
  }
  await run('DELETE FROM log_tiles', []);
  for (const [level, hashes] of tiles.entries())
    for (let from = 0; from < hashes.length; from += TILE_WIDTH)
      await run('INSERT INTO log_tiles (level, index, hashes) VALUES ($1, $2, $3)', [
        level,
        from / TILE_WIDTH,
        Buffer.concat(hashes.slice(from, from + TILE_WIDTH)),
      ]);
  await run('UPDATE log_state SET size = $1, peaks = $2', [range.size.toString(), Buffer.concat(range.nodes)]);
}
