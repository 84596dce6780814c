import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock, type Tx } from '#platform';
import { canonicalize, payloadCommitment } from '#tlog';
import { RELEASING, split, type Attribution, type CustodyEvent } from './catalogue.js';
import { ReleaseRefused } from './release-refused.js';

/** One round trip: payload, pending entry, and the sequencer woken if it sleeps (sequencer-sleep.ts). */
const APPEND = 'SELECT custody_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS "frozenBecause"';

/** The only way into the custody log: inside the transaction of the change it speaks of. No entry, no change. */
@Injectable()
export class Custody {
  constructor(private readonly clock: Clock) {}

  /**
   * @returns the entry's id; its place in the log is given by the sequencer after commit (CustodyLog.sequenced waits for it).
   * @throws ReleaseRefused when the log is frozen and the event would release evidence
   */
  async append(tx: Tx, subject: string, event: CustodyEvent, by: Attribution): Promise<string> {
    const id = uuidv7();
    const { type, sha256, details } = split(event);
    const salt = randomBytes(32);
    const payload = canonicalize({ who: { ...by }, event: details });
    const commitment = payloadCommitment(salt, payload);
    const [answer] = await tx.query<{ frozenBecause: string | null }[]>(APPEND, [
      id,
      salt,
      payload,
      subject,
      type,
      this.clock.now(),
      by.id,
      sha256 === undefined ? null : Buffer.from(sha256, 'hex'),
      Buffer.from(commitment),
      RELEASING.has(type),
    ]);
    if (answer?.frozenBecause != null) throw new ReleaseRefused();
    return id;
  }
}
