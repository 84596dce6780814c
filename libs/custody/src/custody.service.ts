import { randomFillSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { QueryFailedError } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock, type Tx } from '#platform';
import { commitPayload } from '#tlog';
import { RELEASING, split, type Attribution, type CustodyEvent } from './catalogue.js';
import { ReleaseRefused } from './release-refused.js';

/** One round trip: payload, pending entry, and the sequencer woken if it sleeps (sequencer-sleep.ts). */
const APPEND = {
  name: 'custody-append',
  text: 'SELECT custody_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS "frozenBecause"',
};

/** Many in one round trip, in their order. */
const APPEND_ALL = {
  name: 'custody-append-all',
  text: `SELECT custody_append(e.id, e.salt, e.payload, e.subject, e.type, $7, $8, e.sha256, e.pc, e.releases) AS "frozenBecause"
    FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::uuid[], $5::text[], $6::bytea[], $9::bytea[], $10::boolean[])
      AS e (id, salt, payload, subject, type, pc, sha256, releases)`,
};
const AT_ONCE = 1000;

const SALT_BYTES = 32;

/** The only way into the custody log: inside the transaction of the change it speaks of. No entry, no change. */
@Injectable()
export class Custody {
  // Random bytes for the next salts: the operating system takes as long for a hundred salts as for one.
  private readonly saltsAhead = Buffer.alloc(128 * SALT_BYTES);
  private saltsUsed = this.saltsAhead.length;

  constructor(private readonly clock: Clock) {}

  /**
   * @returns the entry's id; its place in the log is given by the sequencer after commit (CustodyLog.sequenced waits for it).
   * @throws ReleaseRefused when the log is frozen and the event would release evidence; Error outside a transaction
   */
  async append(tx: Tx, subject: string, event: CustodyEvent, by: Attribution): Promise<string> {
    const id = uuidv7();
    const { type, sha256, details } = split(event);
    const salt = this.newSalt();
    const { text, commitment } = commitPayload(salt, { who: { ...by }, event: details });
    const frozenBecause = await write(tx, APPEND, [
      id,
      salt,
      text,
      subject,
      type,
      this.clock.now(),
      by.id,
      sha256 === undefined ? null : Buffer.from(sha256, 'hex'),
      Buffer.from(commitment),
      RELEASING.has(type),
    ]);
    if (frozenBecause !== null) throw new ReleaseRefused();
    return id;
  }

  /** As many entries as there are, of one change that concerns many: ten thousand take about a second. @throws as `append` does */
  async appendAll(
    tx: Tx,
    entries: readonly { readonly subject: string; readonly event: CustodyEvent }[],
    by: Attribution,
  ): Promise<void> {
    for (let i = 0; i < entries.length; i += AT_ONCE) {
      const rows = entries.slice(i, i + AT_ONCE).map(({ subject, event }) => {
        const { type, sha256, details } = split(event);
        const salt = this.newSalt();
        const { text, commitment } = commitPayload(salt, { who: { ...by }, event: details });
        const hash = sha256 === undefined ? null : Buffer.from(sha256, 'hex');
        return { id: uuidv7(), salt, text, subject, type, hash, pc: Buffer.from(commitment), releases: RELEASING.has(type) };
      });
      const column = <K extends keyof (typeof rows)[number]>(name: K): (typeof rows)[number][K][] => rows.map((row) => row[name]);
      const frozenBecause = await write(tx, APPEND_ALL, [
        ...[column('id'), column('salt'), column('text'), column('subject'), column('type'), column('pc')],
        ...[this.clock.now(), by.id, column('hash'), column('releases')],
      ]);
      if (frozenBecause !== null) throw new ReleaseRefused();
    }
  }

  private newSalt(): Buffer {
    if (this.saltsUsed === this.saltsAhead.length) {
      randomFillSync(this.saltsAhead);
      this.saltsUsed = 0;
    }
    const ahead = this.saltsAhead.subarray(this.saltsUsed, (this.saltsUsed += SALT_BYTES));
    const salt = Buffer.from(ahead);
    // Whoever erases a payload counts on its salt being nowhere else.
    ahead.fill(0);
    return salt;
  }
}

/** Under a name the database parses and plans it once a connection, not for every entry. TypeORM cannot name a statement, its driver can. */
async function write(tx: Tx, statement: typeof APPEND, values: readonly unknown[]): Promise<string | null> {
  if (tx.queryRunner?.isTransactionActive !== true) throw new Error('A custody entry is written inside a transaction only.');
  const client = (await tx.queryRunner.connect()) as PoolClient;
  try {
    const { rows } = await client.query<{ frozenBecause: string | null }>({ ...statement, values: [...values] });
    return rows.find(({ frozenBecause }) => frozenBecause !== null)?.frozenBecause ?? null;
  } catch (error) {
    // As TypeORM throws it: UnitOfWork knows by it what to try again.
    throw error instanceof Error ? new QueryFailedError(statement.text, [...values], error) : error;
  }
}
