import { Inject, Injectable } from '@nestjs/common';
import { Notifications, Problem, UnitOfWork } from '#platform';
import {
  addSignatureLines,
  formatProof,
  hasQuorum,
  inclusionProof,
  isQuorum,
  openNote,
  parseVerifier,
  type Hash,
  type Quorum,
} from '#tlog';
import type { CustodyEventType, EntryPayload } from './catalogue.js';
import { readNodes, type Query } from './log-tiles.js';
import { WITNESS_POLICY, type PolicyFile } from './witness-policy-file.js';

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
  /** Null, like the payload, when both were erased. */
  readonly salt: Buffer | null;
  readonly payload: string | null;
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

export class WitnessesBehind extends Problem {
  constructor() {
    super(
      503,
      'witnesses-behind',
      'The witnesses of the custody log are not keeping up',
      'Nothing was released: its custody entry is signed, but not cosigned by as many witnesses as the policy asks for. Try again shortly.',
      { retryAfter: 10 },
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
  salt: Buffer | null;
  payload: string | null;
}

const COLUMNS = 'e.index, e.id, e.subject, e.seq, e.type, e.at, e.actor, e.header, e.leaf_hash, p.salt, p.payload';
const WITH_PAYLOAD = 'FROM custody_entries e LEFT JOIN custody_payloads p ON p.entry = e.id';
const ENTRY = `SELECT ${COLUMNS} ${WITH_PAYLOAD} WHERE e.id = $1`;
// In one statement: between two an erasure could get its place, and be in neither.
const CHAIN = `SELECT ${COLUMNS},
    p.entry IS NULL AND EXISTS (SELECT FROM custody_pending WHERE subject = $1 AND type = 'payload.erased') AS "erasurePending"
  ${WITH_PAYLOAD} WHERE e.subject = $1 ORDER BY e.seq`;

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

interface CosignedRow {
  size: string;
  note: string;
  witnesses: string[];
  lines: string[];
}

const COSIGNED_AT_ONCE = 100;
// Joined after the limit: what too few have cosigned is counted and nothing more.
const COSIGNED = `SELECT c.size, c.note, s.witnesses, s.lines FROM (
    SELECT size, array_agg(witness) AS witnesses, array_agg(line ORDER BY at, witness) AS lines FROM log_cosignatures
    WHERE size > $1 AND ($2::bigint IS NULL OR size < $2) AND witness = ANY($3)
    GROUP BY size HAVING count(*) >= $4 ORDER BY size DESC LIMIT ${COSIGNED_AT_ONCE}
  ) s JOIN log_checkpoints c USING (size) ORDER BY c.size DESC`;

/** As above, from the other end. */
const COSIGNED_FIRST = `SELECT c.size, c.note, s.witnesses, s.lines FROM (
    SELECT size, array_agg(witness) AS witnesses, array_agg(line ORDER BY at, witness) AS lines FROM log_cosignatures
    WHERE size > $1 AND witness = ANY($2) GROUP BY size HAVING count(*) >= $3 ORDER BY size LIMIT ${COSIGNED_AT_ONCE}
  ) s JOIN log_checkpoints c USING (size) ORDER BY c.size`;

/** How many witnesses the smallest quorum has. */
function fewestOf(quorum: Quorum): number {
  if ('witness' in quorum) return 1;
  const members = quorum.of.map(fewestOf).toSorted((a, b) => a - b);
  return members.slice(0, quorum.atLeast).reduce((sum, fewest) => sum + fewest, 0);
}

/** Undefined when it was erased. */
export function payloadOf({ payload }: LoggedEntry): EntryPayload | undefined {
  return payload === null ? undefined : (JSON.parse(payload) as EntryPayload);
}

/** Reads the log and waits for it. Never writes. */
@Injectable()
export class CustodyLog {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly notifications: Notifications,
    @Inject(WITNESS_POLICY) private readonly policy: PolicyFile | undefined,
  ) {}

  /** Waits until the entry has its place. @throws LogBehind after `timeoutMs` */
  async sequenced(entryId: string, timeoutMs = 10_000): Promise<LoggedEntry> {
    const look = async (): Promise<LoggedEntry | undefined> => (await this.query<EntryRow>(ENTRY, [entryId])).map(toEntry)[0];
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

  /**
   * A checkpoint that covers the entry at `index`, asked for at once if there is none yet: signed by the log, and cosigned by the quorum of the
   * witness policy if there is one. @throws LogBehind, WitnessesBehind
   */
  async checkpointCovering(index: bigint, timeoutMs = 10_000): Promise<SignedCheckpoint> {
    let signed = false;
    const look = async (): Promise<SignedCheckpoint | undefined> => {
      const trusted = await this.newestTrusted(index);
      if (trusted !== undefined) return trusted;
      signed = ((await this.newestCheckpoint())?.size ?? 0n) > index;
      await this.query('NOTIFY custody_checkpoint_wanted', []);
      return undefined;
    };
    return this.notifications.waitFor('custody_checkpoint', look, timeoutMs, () =>
      signed ? new WitnessesBehind() : new LogBehind(),
    );
  }

  /** The newest checkpoint that the log signed; witnesses may not have seen it yet. */
  async newestCheckpoint(): Promise<SignedCheckpoint | undefined> {
    const [row] = await this.query<{ size: string; note: string }>(
      'SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1',
      [],
    );
    return row === undefined ? undefined : { size: BigInt(row.size), note: row.note };
  }

  /** The newest checkpoint above `index` that satisfies the witness policy, with its cosignatures; without a policy the newest signed one. */
  async newestTrusted(index = -1n): Promise<SignedCheckpoint | undefined> {
    const policy = this.policy?.policy;
    if (policy === undefined || isQuorum(policy.quorum, new Set())) {
      const newest = await this.newestCheckpoint();
      return newest !== undefined && newest.size > index ? newest : undefined;
    }
    // Counted first, and verified last: while a witness is away for days there are thousands that too few have cosigned.
    const aliases = new Map(policy.witnesses.map(({ vkey, alias }) => [vkey, alias]));
    let below: bigint | null = null;
    do {
      const rows: CosignedRow[] = await this.query<CosignedRow>(COSIGNED, [
        index.toString(),
        below?.toString() ?? null,
        [...aliases.keys()],
        fewestOf(policy.quorum),
      ]);
      for (const { size, note, witnesses, lines } of rows) {
        if (!isQuorum(policy.quorum, new Set(witnesses.map((vkey) => aliases.get(vkey) ?? '')))) continue;
        const cosigned = addSignatureLines(note, lines.join(''));
        if (hasQuorum(cosigned, policy)) return { size: BigInt(size), note: cosigned };
      }
      below = rows.length < COSIGNED_AT_ONCE ? null : BigInt(rows.at(-1)?.size ?? 0);
    } while (below !== null);
    return undefined;
  }

  /**
   * The smallest checkpoint above `index` that satisfies the witness policy now, with its cosignatures; without a policy the smallest signed
   * one. Nobody picks it: what is drawn by lot from it was fixed before. One is asked for where there is none yet.
   */
  async firstTrusted(index: bigint): Promise<SignedCheckpoint | undefined> {
    const first = await this.firstTrustedAbove(index);
    if (first === undefined) await this.query('NOTIFY custody_checkpoint_wanted', []);
    return first;
  }

  private async firstTrustedAbove(index: bigint): Promise<SignedCheckpoint | undefined> {
    const policy = this.policy?.policy;
    if (policy === undefined || isQuorum(policy.quorum, new Set())) {
      const [row] = await this.query<{ size: string; note: string }>(
        'SELECT size, note FROM log_checkpoints WHERE size > $1 ORDER BY size LIMIT 1',
        [index.toString()],
      );
      return row === undefined ? undefined : { size: BigInt(row.size), note: row.note };
    }
    const aliases = new Map(policy.witnesses.map(({ vkey, alias }) => [vkey, alias]));
    let above = index;
    for (;;) {
      const asked = [above.toString(), [...aliases.keys()], fewestOf(policy.quorum)];
      const rows: CosignedRow[] = await this.query<CosignedRow>(COSIGNED_FIRST, asked);
      for (const { size, note, witnesses, lines } of rows) {
        if (!isQuorum(policy.quorum, new Set(witnesses.map((vkey) => aliases.get(vkey) ?? '')))) continue;
        const cosigned = addSignatureLines(note, lines.join(''));
        if (hasQuorum(cosigned, policy)) return { size: BigInt(size), note: cosigned };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < COSIGNED_AT_ONCE) return undefined;
      above = BigInt(last.size);
    }
  }

  /**
   * The subject's whole chain, first entry first. Payloads go before the entry that says so has its place; it is waited for, because without it
   * the chain does not verify. @throws LogBehind after `timeoutMs`
   */
  async chain(subject: string, timeoutMs = 10_000): Promise<LoggedEntry[]> {
    const look = async (): Promise<LoggedEntry[] | undefined> => {
      const rows = await this.query<EntryRow & { erasurePending: boolean }>(CHAIN, [subject]);
      return rows.some(({ erasurePending }) => erasurePending) ? undefined : rows.map(toEntry);
    };
    return (await look()) ?? this.notifications.waitFor('custody_sequenced', look, timeoutMs, () => new LogBehind());
  }

  /** Entries about the subject that are committed and have no place in the log yet. */
  async waiting(subject: string): Promise<number> {
    const [row] = await this.query<{ waiting: number }>(
      'SELECT count(*)::int AS waiting FROM custody_pending WHERE subject = $1',
      [subject],
    );
    return row?.waiting ?? 0;
  }

  /** Inclusion proofs of `indexes` in the tree of `size` leaves. RFC 6962 §2.1.1 */
  async inclusionProofs(indexes: readonly bigint[], size: bigint): Promise<Hash[][]> {
    const read = readNodes(this.query, size, indexes);
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

  /** The vkeys that signed the newest checkpoint, newest last: several while the key is being changed, none before the first. */
  async signingKeys(): Promise<readonly string[]> {
    const newest = await this.newestCheckpoint();
    if (newest === undefined) return [];
    const known = (await this.identity())?.vkeys.map(parseVerifier) ?? [];
    const { signers } = openNote(newest.note, known);
    return known.filter((key) => signers.includes(key)).map(({ vkey }) => vkey);
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
