import { Injectable } from '@nestjs/common';
import { UnitOfWork, type Tx } from '../database/unit-of-work.js';
import { NotFound } from '../problem.js';
import type { JobName } from './job-catalogue.js';
import { secondsLeft } from './job-progress.rules.js';
import { mustBeCancellable, mustBeRetryable, stateOf, type JobFate, type JobState } from './job-state.rules.js';

/** One job, as people see it. */
export interface JobRecord {
  readonly id: string;
  readonly job: JobName;
  /** The id it works on; what of, JOBS says. */
  readonly ref: string;
  readonly recording: string | null;
  readonly state: JobState;
  /** The smaller goes first. */
  readonly priority: number;
  /** Whole, 0 to 100; null while it has not said how far it is. */
  readonly percent: number | null;
  /** Until it is done, by the pace so far; null while there is none. */
  readonly secondsLeft: number | null;
  /** Attempts that failed. */
  readonly failures: number;
  /** A sentence; null when nothing has failed. */
  readonly lastError: string | null;
  readonly askedAt: Date;
  /** Of the attempt that runs. */
  readonly startedAt: Date | null;
  /** When it is tried again after a failure; null when it is not put off. */
  readonly nextAttemptAt: Date | null;
  /** When it was done, parked or cancelled. */
  readonly endedAt: Date | null;
}

export interface JobFilter {
  readonly state?: JobState | undefined;
  readonly job?: JobName | undefined;
  readonly recording?: string | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

interface Row extends JobFate {
  readonly id: string;
  readonly ref: string;
  readonly recording: string | null;
  readonly priority: number;
  readonly percent: number | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly dueAt: Date;
  readonly progressedAt: Date | null;
  /** By the clock that wrote the other times. */
  readonly now: Date;
}

/** One key of the lock, as pg_locks shows it. */
const HALF = (column: string): string => `hashtext(o.${column})::bigint & 4294967295`;
// Two keys, as the runner takes them. PostgreSQL 15, 54.12 pg_locks
const HELD = `EXISTS (SELECT FROM held WHERE held.classid::bigint = ${HALF('job')} AND held.objid::bigint = ${HALF('ref::text')})`;
const LOCKS = `held AS MATERIALIZED (SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;
const COLUMNS = `o.id, o.job, o.ref, o.recording, o.priority, o.percent, o.attempts, o.last_error AS "lastError", o.created_at AS "createdAt",
  o.due_at AS "dueAt", o.started_at AS "startedAt", o.progressed_at AS "progressedAt", o.done_at AS "doneAt", o.parked_at AS "parkedAt",
  o.cancelled_at AS "cancelledAt", o.started_at IS NOT NULL AND ${HELD} AS held, now() AS now`;

const OPEN = 'o.done_at IS NULL AND o.cancelled_at IS NULL AND o.parked_at IS NULL';
/** The rule `stateOf` as a condition that finds the rows by the indexes. */
const IN_STATE: Readonly<Record<JobState, string>> = {
  done: 'o.done_at IS NOT NULL',
  cancelled: 'o.done_at IS NULL AND o.cancelled_at IS NOT NULL',
  parked: 'o.done_at IS NULL AND o.cancelled_at IS NULL AND o.parked_at IS NOT NULL',
  running: `${OPEN} AND o.started_at IS NOT NULL AND ${HELD}`,
  waiting: `${OPEN} AND NOT (o.started_at IS NOT NULL AND ${HELD})`,
};

/** The jobs there are, for people: how far they are, and what a person may change about them. */
@Injectable()
export class JobBoard {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Newest first. */
  async list({ state, job, recording, after, limit }: JobFilter): Promise<{ jobs: JobRecord[]; next: string | null }> {
    const values: unknown[] = [];
    const value = (given: unknown): string => `$${values.push(given)}`;
    const conditions = [
      ...(state === undefined ? [] : [IN_STATE[state]]),
      ...(job === undefined ? [] : [`o.job = ${value(job)}`]),
      ...(recording === undefined ? [] : [`o.recording = ${value(recording)}`]),
      ...(after === undefined ? [] : [`o.id < ${value(after)}`]),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const rows = await this.unitOfWork.reader.query<Row[]>(
      `WITH ${LOCKS} SELECT ${COLUMNS} FROM outbox o ${where} ORDER BY o.id DESC LIMIT ${value(limit + 1)}`,
      values,
    );
    const jobs = rows.slice(0, limit).map(recordOf);
    return { jobs, next: rows.length > limit ? (jobs.at(-1)?.id ?? null) : null };
  }

  /** @throws NotFound */
  async get(id: string): Promise<JobRecord> {
    return recordOf(await this.row(this.unitOfWork.reader, id));
  }

  /** The worker that runs it hears of it at once and ends it; whoever can then gives it up. @throws NotFound, JobNotCancellable, JobOver */
  async cancel(tx: Tx, id: string): Promise<JobRecord> {
    mustBeCancellable(await this.lock(tx, id));
    await tx.query('UPDATE outbox SET cancelled_at = now() WHERE id = $1', [id]);
    await tx.query('NOTIFY jobs');
    return recordOf(await this.row(tx, id));
  }

  /** From the beginning, with all its attempts. @throws NotFound, JobNotOver, JobStillEnding */
  async retry(tx: Tx, id: string): Promise<JobRecord> {
    mustBeRetryable(await this.lock(tx, id));
    await tx.query(
      `UPDATE outbox SET parked_at = NULL, cancelled_at = NULL, attempts = 0, starts = 0, worker = NULL, last_error = NULL, due_at = now()
       WHERE id = $1`,
      [id],
    );
    await tx.query('NOTIFY outbox');
    return recordOf(await this.row(tx, id));
  }

  /** Locks before it reads: what the same statement read could be older than the lock. */
  private async lock(tx: Tx, id: string): Promise<Row> {
    await tx.query('SELECT FROM outbox WHERE id = $1 FOR UPDATE', [id]);
    return this.row(tx, id);
  }

  private async row(tx: Tx, id: string): Promise<Row> {
    const [row] = await tx.query<Row[]>(`WITH ${LOCKS} SELECT ${COLUMNS} FROM outbox o WHERE o.id = $1`, [id]);
    if (row === undefined) throw new NotFound('job');
    return row;
  }
}

function recordOf(row: Row): JobRecord {
  const { id, job, ref, recording, priority, attempts, lastError, createdAt, startedAt, progressedAt, percent, dueAt, now } = row;
  const state = stateOf(row);
  const runs = state === 'running';
  const pace =
    runs && startedAt !== null && progressedAt !== null && percent !== null ? { startedAt, progressedAt, percent } : null;
  return {
    ...{ id, job, ref, recording, state, priority, lastError },
    percent: state === 'done' ? 100 : runs ? percent : null,
    secondsLeft: pace === null ? null : secondsLeft(pace, now),
    failures: attempts,
    askedAt: createdAt,
    startedAt: runs ? startedAt : null,
    nextAttemptAt: state === 'waiting' && dueAt > now ? dueAt : null,
    endedAt: row.doneAt ?? row.cancelledAt ?? row.parkedAt,
  };
}
