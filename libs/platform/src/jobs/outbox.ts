import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Tx } from '../database/unit-of-work.js';
import { JOB_NAMES, type JobName } from './job-catalogue.js';
import { priorityOf, type Urgency } from './job-priority.rules.js';

/** What a job is about, and how urgent it is. */
export interface JobSubject extends Urgency {
  /** On whose chain it goes on record what people do about the job. */
  readonly recording: string;
}

/** Jobs are asked for in the transaction that makes them necessary; the worker's relay hands them to the queue (no dual write). */
@Injectable()
export class Outbox {
  /** Asking again changes nothing, but can make it more urgent while it is not done. */
  async add(tx: Tx, job: JobName, ref: string, { recording, ...urgency }: JobSubject): Promise<void> {
    await tx.query(
      `INSERT INTO outbox (id, job, ref, recording, priority) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (job, ref) DO UPDATE SET priority = excluded.priority WHERE outbox.priority > excluded.priority AND outbox.done_at IS NULL`,
      [uuidv7(), job, ref, recording, priorityOf(job, urgency)],
    );
    await tx.query('NOTIFY outbox');
  }

  /** A recording that is flagged later goes first from then on, with every job about it that still waits. */
  async flagged(tx: Tx, recording: string): Promise<void> {
    await tx.query(
      `UPDATE outbox SET priority = urgent.priority FROM unnest($2::text[], $3::int[]) AS urgent (job, priority)
       WHERE outbox.recording = $1 AND outbox.job = urgent.job AND outbox.priority > urgent.priority AND done_at IS NULL`,
      [recording, JOB_NAMES, JOB_NAMES.map((job) => priorityOf(job, { flagged: true }))],
    );
    await tx.query('NOTIFY outbox');
  }
}
