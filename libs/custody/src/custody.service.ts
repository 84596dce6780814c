import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock, type Tx } from '#platform';
import { canonicalize, payloadCommitment } from '#tlog';
import { split, type Attribution, type CustodyEvent } from './catalogue.js';

/** The only way into the custody log: inside the transaction of the change it speaks of. No entry, no change. */
@Injectable()
export class Custody {
  constructor(private readonly clock: Clock) {}

  /** @returns the entry's id; its place in the log is given by the sequencer after commit (CustodyLog.sequenced waits for it). */
  async append(tx: Tx, subject: string, event: CustodyEvent, by: Attribution): Promise<string> {
    const id = uuidv7();
    const { type, sha256, details } = split(event);
    const salt = randomBytes(32);
    const payload = canonicalize({ who: { ...by }, event: details });
    const commitment = payloadCommitment(salt, payload);
    await tx.query('INSERT INTO custody_payloads (entry, salt, payload) VALUES ($1, $2, $3)', [id, salt, payload]);
    await tx.query('INSERT INTO custody_pending (id, subject, type, at, actor, sha256, pc) VALUES ($1, $2, $3, $4, $5, $6, $7)', [
      id,
      subject,
      type,
      this.clock.now(),
      by.id,
      sha256 === undefined ? null : Buffer.from(sha256, 'hex'),
      Buffer.from(commitment),
    ]);
    await tx.query('NOTIFY custody_pending');
    return id;
  }
}
