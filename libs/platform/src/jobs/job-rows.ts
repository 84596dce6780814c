import type { Client } from 'pg';
import type { UnitOfWork } from '../database/unit-of-work.js';
import type { JobName } from './job-catalogue.js';

export interface JobKey {
  readonly job: JobName;
  readonly ref: string;
}

export interface WaitingJob extends JobKey {
  readonly priority: number;
}

/** A job that has been begun. */
export interface BegunJob {
  readonly id: string;
  /** Failures so far. */
  readonly attempts: number;
  /** Of processes, this one included, that began it and have not said how it ended. */
  readonly starts: number;
}

/** Of each queue; a long backlog in one must not keep the others from being filled. */
const RELAYED_AT_ONCE = 200;
const OPEN = 'done_at IS NULL AND parked_at IS NULL AND cancelled_at IS NULL';
const AT_REST = 'started_at = NULL, percent = NULL, progressed_at = NULL, starts = 0, worker = NULL';

/** What the worker reads and writes of the outbox. */
export class JobRows {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    /** Names this process among all that ever ran. */
    private readonly worker: string,
  ) {}

  /** Due now, the most urgent first, then the oldest. */
  async waiting(jobs: readonly JobName[]): Promise<WaitingJob[]> {
    return this.unitOfWork.reader.query<WaitingJob[]>(
      `SELECT o.job, o.ref, o.priority FROM unnest($1::text[]) AS queue (job) CROSS JOIN LATERAL (
         SELECT job, ref, priority, created_at FROM outbox WHERE outbox.job = queue.job AND ${OPEN} AND due_at <= now()
         ORDER BY priority, created_at LIMIT ${RELAYED_AT_ONCE}) AS o
       ORDER BY o.priority, o.created_at`,
      [jobs],
    );
  }

  /** Cancelled, and nobody has said yet that they were given up. */
  async cancelled(): Promise<JobKey[]> {
    return this.unitOfWork.reader.query<JobKey[]>(
      'SELECT job, ref FROM outbox WHERE done_at IS NULL AND parked_at IS NULL AND cancelled_at IS NOT NULL ORDER BY id LIMIT 200',
    );
  }

  async isCancelled({ job, ref }: JobKey): Promise<boolean> {
    const rows = await this.unitOfWork.reader.query<unknown[]>(
      'SELECT FROM outbox WHERE job = $1 AND ref = $2 AND done_at IS NULL AND parked_at IS NULL AND cancelled_at IS NOT NULL',
      [job, ref],
    );
    return rows.length > 0;
  }

  /**
   * Counted before anything runs, so that a job which takes its process with it is known by it. A start by this very process, which lives, is
   * not counted again: it only could not say how it ended. @returns undefined when the job is open no more
   */
  async begin({ job, ref }: JobKey): Promise<BegunJob | undefined> {
    const [[row]] = await this.unitOfWork.reader.query<[BegunJob[], number]>(
      `UPDATE outbox SET started_at = now(), percent = NULL, progressed_at = NULL, worker = $3,
         starts = CASE WHEN worker = $3 THEN starts ELSE starts + 1 END
       WHERE job = $1 AND ref = $2 AND ${OPEN} RETURNING id, attempts, starts`,
      [job, ref, this.worker],
    );
    return row;
  }

  async progressed(id: string, percent: number): Promise<void> {
    await this.unitOfWork.reader.query('UPDATE outbox SET percent = $2, progressed_at = now() WHERE id = $1 AND worker = $3', [
      id,
      percent,
      this.worker,
    ]);
  }

  async done(id: string): Promise<void> {
    await this.unitOfWork.reader.query('UPDATE outbox SET done_at = now(), last_error = NULL WHERE id = $1', [id]);
  }

  /** @param waitS seconds until it is due again */
  async failed(id: string, sentence: string, waitS: number): Promise<void> {
    await this.unitOfWork.reader.query(
      `UPDATE outbox SET attempts = attempts + 1, last_error = $2, due_at = now() + $3 * interval '1 second', ${AT_REST} WHERE id = $1`,
      [id, sentence, waitS],
    );
  }

  /** The job is begun no more, and why. Its starts are kept: should giving it up fail, it is still not begun. */
  async notBegun(id: string, sentence: string): Promise<void> {
    await this.unitOfWork.reader.query('UPDATE outbox SET last_error = $2, started_at = NULL WHERE id = $1', [id, sentence]);
  }

  async parked({ job, ref }: JobKey): Promise<void> {
    await this.unitOfWork.reader.query(`UPDATE outbox SET parked_at = now(), ${AT_REST} WHERE job = $1 AND ref = $2`, [job, ref]);
  }

  /** As it came, for the next process. On a connection of its own: those of the pool may be gone when this process is told to stop. */
  async handBack(connection: Client, id: string): Promise<void> {
    await connection.query(`UPDATE outbox SET ${AT_REST} WHERE id = $1 AND done_at IS NULL`, [id]);
  }
}
