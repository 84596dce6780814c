import type { Query } from './log-tiles.js';

const HASH_BYTES = 32;
const LONGEST_ENTRY = 0xffff;

/** The first `width` hashes of a hash tile, concatenated; undefined when not so many are stored. C2SP tlog-tiles */
export async function readHashTile(query: Query, level: number, index: bigint, width: number): Promise<Buffer | undefined> {
  const [row] = await query<{ hashes: Buffer }>('SELECT hashes FROM log_tiles WHERE level = $1 AND index = $2', [
    level,
    index.toString(),
  ]);
  return row === undefined || row.hashes.length < width * HASH_BYTES ? undefined : row.hashes.subarray(0, width * HASH_BYTES);
}

/**
 * The headers of the entries [start, start + width), each as it was hashed, behind its length as a big-endian uint16; undefined when
 * one of them is not stored. C2SP tlog-tiles, "Log entries"
 */
export async function readEntryBundle(query: Query, start: bigint, width: number): Promise<Buffer | undefined> {
  const rows = await query<{ header: Buffer }>(
    'SELECT header FROM custody_entries WHERE index >= $1 AND index < $2 ORDER BY index',
    [start.toString(), (start + BigInt(width)).toString()],
  );
  if (rows.length !== width || rows.some(({ header }) => header.length > LONGEST_ENTRY)) return undefined;
  return Buffer.concat(
    rows.flatMap(({ header }) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(header.length);
      return [length, header];
    }),
  );
}
