import { Injectable } from '@nestjs/common';
import { Problem, type Tx } from '#platform';
import type { Attribution } from './catalogue.js';
import { Custody } from './custody.service.js';

export interface ErasedPayloads {
  /** UUID of the `payload.erased` entry. */
  readonly erasure: string;
  /** UUIDs of the entries whose payloads are gone, in the order of the log. */
  readonly entries: readonly string[];
}

export class NothingToErase extends Problem {
  constructor(subject: string) {
    super(
      409,
      'nothing-to-erase',
      'There is nothing to erase',
      `Nothing was erased: the custody log holds no payload about ${subject}, or all of them were erased before.`,
    );
  }
}

/** While nobody knows whether the log is what was signed, its payloads may be what shows it. */
export class ErasureRefused extends Problem {
  constructor() {
    super(
      503,
      'log-frozen',
      'The custody log is frozen',
      'Nothing was erased: the custody log no longer extends what was signed. An operator has to look into it and lift the freeze.',
    );
  }
}

/** Two erasures of one subject follow each other: the second sees what the first has left. */
const ONE_AT_A_TIME = `SELECT pg_advisory_xact_lock(hashtext('custody_erase'), hashtext($1))`;

// One statement, so that an entry which gets its place meanwhile is seen once. What was pending keeps its order before the erasure.
const PAYLOADS = `
  SELECT p.entry FROM custody_payloads p JOIN (
    SELECT id, 0 AS waits, index AS place FROM custody_entries WHERE subject = $1 AND type <> 'payload.erased'
    UNION ALL SELECT id, 1, ord FROM custody_pending WHERE subject = $1 AND type <> 'payload.erased'
  ) e ON e.id = p.entry ORDER BY e.waits, e.place`;

/** Destroys what the log holds in private about a subject. The public headers stay, and with them every proof. DESIGN.md §5 */
@Injectable()
export class Erasure {
  constructor(private readonly custody: Custody) {}

  /**
   * Destroys payloads and salts of all entries about `subject` that `tx` can see, those that it has appended itself among them, and puts that
   * on record as `payload.erased`. What another transaction is appending stays. Payloads are not encrypted per subject, so there is no key to
   * destroy. `reason` and `by` can never be erased: no personal data of the subject belongs there. Who may order it is the caller's to decide.
   * What PostgreSQL keeps of a deleted row, and for how long: README.md, "Erasing".
   * @throws NothingToErase, ErasureRefused: the caller's transaction has to roll back
   */
  async erase(tx: Tx, subject: string, reason: string, by: Attribution): Promise<ErasedPayloads> {
    await tx.query(ONE_AT_A_TIME, [subject]);
    const rows = await tx.query<{ entry: string }[]>(PAYLOADS, [subject]);
    if (rows.length === 0) throw new NothingToErase(subject);
    const entries = rows.map(({ entry }) => entry);
    const erasure = await this.custody.append(tx, subject, { type: 'payload.erased', entries, reason }, by);
    const [answer] = await tx.query<{ frozenBecause: string | null }[]>('SELECT custody_erase($1, $2) AS "frozenBecause"', [
      subject,
      erasure,
    ]);
    if (answer?.frozenBecause != null) throw new ErasureRefused();
    return { erasure, entries };
  }
}
