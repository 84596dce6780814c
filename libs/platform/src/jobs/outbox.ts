import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Tx } from '../database/unit-of-work.js';
import type { JobName } from './job-catalogue.js';

/** Jobs are asked for in the transaction that makes them necessary; the worker's relay hands them to the queue (no dual write). */
@Injectable()
export class Outbox {
  async add(tx: Tx, job: JobName, ref: string): Promise<void> {
    await tx.query('INSERT INTO outbox (id, job, ref) VALUES ($1, $2, $3) ON CONFLICT (job, ref) DO NOTHING', [
      uuidv7(),
      job,
      ref,
    ]);
    await tx.query('NOTIFY outbox');
  }
}
