import type { Client } from 'pg';
import { commitment, leafHash } from './digests.js';
import { CopiedRows } from './copied-rows.js';

const PAGE = 4096;
const COLUMNS = ['index', 'id', 'subject', 'seq', 'type', 'at', 'actor', 'header', 'leaf_hash', 'salt', 'payload'] as const;
type Column = (typeof COLUMNS)[number];
const FIELD = Object.fromEntries(COLUMNS.map((name, i) => [name, i])) as Readonly<Record<Column, number>>;
// As in the header. Formatted over there, where another processor does it meanwhile.
const AT = `to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** One row of the log with its payload, as it lies in the page that was read. There is one such object a page: it is the row being looked at. */
export class EntryRow {
  index = 0n;
  /** One character a byte. For comparing; pieces of it keep the whole page in memory. */
  private readonly latin1: string;
  private readonly starts = new Int32Array(COLUMNS.length);
  private readonly ends = new Int32Array(COLUMNS.length);

  constructor(private readonly rows: CopiedRows) {
    this.latin1 = rows.bytes.toString('latin1');
  }

  /** @returns false when there is no further one */
  next(): boolean {
    if (!this.rows.nextRow()) return false;
    for (let i = 0; i < COLUMNS.length; i++) {
      this.starts[i] = this.rows.nextField();
      this.ends[i] = this.rows.end;
    }
    this.index = this.rows.bytes.readBigInt64BE(this.starts[FIELD.index]);
    return true;
  }

  has(column: Column): boolean {
    return this.start(column) >= 0;
  }

  /** For comparing only. */
  ascii(column: Column): string {
    return this.latin1.substring(this.start(column), this.end(column));
  }

  text(column: Column): string {
    return this.rows.bytes.toString('utf8', this.start(column), this.end(column));
  }

  /** A copy. */
  bytes(column: Column): Buffer {
    return Buffer.from(this.rows.bytes.subarray(this.start(column), this.end(column)));
  }

  /** What its header says is the SHA-256 of the file that the entry is about. */
  sha256(): string | undefined {
    return /"sha256":"([0-9a-f]{64})"/.exec(this.text('header'))?.[1];
  }

  leafHash(): Buffer {
    return leafHash(this.rows.bytes, this.start('header'), this.end('header'));
  }

  hasLeafHash(leaf: Buffer): boolean {
    return leaf.compare(this.rows.bytes, this.start('leaf_hash'), this.end('leaf_hash')) === 0;
  }

  /** What a header says that commits to this payload; undefined when there is none, or a salt that is none. Base64. */
  commitment(): string | undefined {
    if (!this.has('salt') || !this.has('payload') || this.end('salt') - this.start('salt') !== 32) return undefined;
    return commitment(this.rows.bytes, this.start('salt'), this.start('payload'), this.end('payload'));
  }

  private start(column: Column): number {
    return this.starts[FIELD[column]] ?? -1;
  }

  private end(column: Column): number {
    return this.ends[FIELD[column]] ?? -1;
  }
}

/** All rows from index 0 on, in pages. The next page is asked for already while one is looked at. */
export async function* entryPages(client: Client): AsyncGenerator<EntryRow> {
  // Counted, not taken from the rows: whoever meets an index that is not the next one has found a gap, and reads no further.
  for (let from = 0n, coming = page(client, from); ;) {
    const rows = await coming;
    if (rows.empty) return;
    from += BigInt(PAGE);
    coming = page(client, from);
    coming.catch(() => undefined); // said when it is waited for
    yield new EntryRow(rows);
  }
}

function page(client: Client, from: bigint): Promise<CopiedRows> {
  return CopiedRows.of(
    client,
    `SELECT e.index, e.id::text, e.subject::text, e.seq::text, e.type, ${AT}, e.actor::text, e.header, e.leaf_hash, p.salt, p.payload
     FROM custody_entries e LEFT JOIN custody_payloads p ON p.entry = e.id WHERE e.index >= ${from} ORDER BY e.index LIMIT ${PAGE}`,
  );
}
