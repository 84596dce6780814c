import { Injectable } from '@nestjs/common';
import { Notifications, Problem, UnitOfWork } from '#platform';
import { formatProof, inclusionProof, type Hash } from '#tlog';
import type { CustodyEventType, EntryPayload } from './catalogue.js';
import { readNodes, type Query } from './log-tiles.js';

/** One sequenced entry with what is needed to check it. `header` are the exact bytes that were hashed. */
export interface LoggedEntry {
  readonly index: bigint;
  readonly id: string;
  readonly subject: string;
  readonly seq: number;
  readonly type: CustodyEventType;
  readonly at: Date;
  readonly actor: string | null;
  readonly header: string;
  readonly leaf: Buffer;
  readonly salt: Buffer;
  readonly payload: string;
}

export interface SignedCheckpoint {
  readonly size: bigint;
  readonly note: string;
}

export class LogBehind extends Problem {
  constructor() {
    super(
      503,
      'log-behind',
      'The custody log is not keeping up',
      'Nothing was released: its custody entry has no place in the log yet. Try again shortly.',
      {
        retryAfter: 5,
      },
    );
  }
}

interface EntryRow {
  index: string;
  id: string;
  subject: string;
  seq: string;
  type: CustodyEventType;
  at: Date;
  actor: string | null;
  header: Buffer;
  leaf_hash: Buffer;
  salt: Buffer;
  payload: string;
}

const ENTRY = `SELECT e.index, e.id, e.subject, e.seq, e.type, e.at, e.actor, e.header, e.leaf_hash, p.salt, p.payload
               FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id`;

function toEntry(row: EntryRow): LoggedEntry {
  return {
    index: BigInt(row.index),
    id: row.id,
    subject: row.subject,
    seq: Number(row.seq),
    type: row.type,
    at: row.at,
    actor: row.actor,
    header: row.header.toString('utf8'),
    leaf: row.leaf_hash,
    salt: row.salt,
    payload: row.payload,
  };
}

export function payloadOf(entry: LoggedEntry): EntryPayload {
  return JSON.parse(entry.payload) as EntryPayload;
}

/** Reads the log and waits for it. Never writes. */
@Injectable()
export class CustodyLog {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly notifications: Notifications,
  ) {}

  /** Waits until the entry has its place. @throws LogBehind after `timeoutMs` */
  async sequenced(entryId: string, timeoutMs = 10_000): Promise<LoggedEntry> {
    const look = async (): Promise<LoggedEntry | undefined> =>
      (await this.query<EntryRow>(`${ENTRY} WHERE e.id = $1`, [entryId])).map(toEntry)[0];
    return this.notifications.waitFor('custody_sequenced', look, timeoutMs, () => new LogBehind());
  }

  /** Waits until the subject's first entry has its place: what was made a moment ago may still wait for it. @throws LogBehind after `timeoutMs` */
  async begun(subject: string, timeoutMs = 10_000): Promise<void> {
    const look = async (): Promise<true | undefined> => {
      const found = await this.query('SELECT FROM custody_entries WHERE subject = $1 AND seq = 0', [subject]);
      return found.length > 0 ? true : undefined;
    };
    await this.notifications.waitFor('custody_sequenced', look, timeoutMs, () => new LogBehind());
  }

  /** A signed checkpoint that covers the entry at `index`, asked for at once if there is none yet. @throws LogBehind */
  async checkpointCovering(index: bigint, timeoutMs = 10_000): Promise<SignedCheckpoint> {
    const look = async (): Promise<SignedCheckpoint | undefined> => {
      const newest = await this.newestCheckpoint();
      if (newest !== undefined && newest.size > index) return newest;
      await this.query('NOTIFY custody_checkpoint_wanted', []);
      return undefined;
    };
    return this.notifications.waitFor('custody_checkpoint', look, timeoutMs, () => new LogBehind());
  }

  async newestCheckpoint(): Promise<SignedCheckpoint | undefined> {
    const [row] = await this.query<{ size: string; note: string }>(
      'SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1',
      [],
    );
    return row === undefined ? undefined : { size: BigInt(row.size), note: row.note };
  }

  /** The subject's whole chain, first entry first. */
  async chain(subject: string): Promise<LoggedEntry[]> {
    return (await this.query<EntryRow>(`${ENTRY} WHERE e.subject = $1 ORDER BY e.seq`, [subject])).map(toEntry);
  }

  /** Inclusion proofs of `indexes` in the tree of `size` leaves. RFC 6962 §2.1.1 */
  async inclusionProofs(indexes: readonly bigint[], size: bigint): Promise<Hash[][]> {
    const read = readNodes(this.query, size);
    const proofs: Hash[][] = [];
    for (const index of indexes) proofs.push(await inclusionProof(index, size, read));
    return proofs;
  }

  /** A self-contained proof (C2SP tlog-proof text) that the entry is in the log under a signed checkpoint. */
  async proofOf(entry: LoggedEntry): Promise<string> {
    const checkpoint = await this.checkpointCovering(entry.index);
    const [hashes = []] = await this.inclusionProofs([entry.index], checkpoint.size);
    return formatProof({ index: entry.index, hashes, checkpoint: checkpoint.note });
  }

  /** The log's origin and public keys (C2SP verifier keys), newest last. Empty before the first worker has started. */
  async identity(): Promise<{ origin: string; vkeys: readonly string[] } | undefined> {
    const [state] = await this.query<{ origin: string }>('SELECT origin FROM log_state', []);
    if (state === undefined) return undefined;
    const keys = await this.query<{ vkey: string }>('SELECT vkey FROM log_keys ORDER BY added_at', []);
    return { origin: state.origin, vkeys: keys.map((key) => key.vkey) };
  }

  /** Why the log is frozen; undefined while it is not. */
  async frozenBecause(): Promise<string | undefined> {
    const [newest] = await this.query<{ frozen: boolean; reason: string }>(
      'SELECT frozen, reason FROM log_freezes ORDER BY id DESC LIMIT 1',
      [],
    );
    return newest?.frozen === true ? newest.reason : undefined;
  }

  readonly query: Query = (sql, parameters) => this.unitOfWork.reader.query(sql, [...parameters]);
}
