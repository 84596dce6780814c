import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock, CONFIG, NotFound, Outbox, UnitOfWork, type Config, type Tx } from '#platform';
import { NotSealed } from './evidence-problems.js';
import { FixityCheck } from './fixity-check.entity.js';
import { fixityPeriodMs, nextFixityDue } from './fixity.rules.js';
import { Recording } from './recording.entity.js';

/** Held while due checks are opened, so that several workers do not open more than one would. */
const OPENING_LOCK = 7239467;
/** Scheduled checks that may be open at once: a backlog waits in the table of recordings, not in the queue. */
const MOST_OPEN = 20;
const PLANNED_AT_ONCE = 500;
/** However short the period: a check takes its time to be opened, queued and run. */
const LEAST_LATENESS_MS = 10 * 60_000;
const COUNTED = 1000;

export interface FixityStanding {
  /** Failures that nobody has taken note of yet. */
  readonly failed: number;
  /** Checks that are late by more than a tenth of the period, and at least ten minutes; counted up to a thousand. */
  readonly overdue: number;
}

/** When stored versions are hashed again, and what came of it. The hashing itself is the job `fixity`. */
@Injectable()
export class FixityChecks {
  private readonly periodMs: number;

  constructor(
    @Inject(CONFIG) config: Pick<Config, 'FIXITY_DAYS'>,
    private readonly unitOfWork: UnitOfWork,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {
    this.periodMs = fixityPeriodMs(config.FIXITY_DAYS);
  }

  /** The first after now. */
  nextDue(recordingId: string): Date {
    return nextFixityDue(recordingId, this.clock.now(), this.periodMs);
  }

  /** Newest first. */
  async list(
    recordingId: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ checks: FixityCheck[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(FixityCheck, 'c')
      .where('c.recording_id = :recordingId', { recordingId })
      .orderBy('c.id', 'DESC')
      .limit(limit + 1);
    if (after !== undefined) query.andWhere('c.id < :after', { after });
    const rows = await query.getMany();
    const checks = rows.slice(0, limit);
    return { checks, next: rows.length > limit ? (checks.at(-1)?.id ?? null) : null };
  }

  /** A check now. While one is open it is that one. @throws NotFound, NotSealed */
  async order(recordingId: string): Promise<FixityCheck> {
    return this.unitOfWork.run(async (tx) => {
      const recording = await tx.findOne(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
      if (recording === null) throw new NotFound('recording');
      if (recording.state !== 'sealed') throw new NotSealed(recording.state, recording.reason);
      await this.open(tx, recording, this.clock.now(), true);
      return tx
        .createQueryBuilder(FixityCheck, 'c')
        .where('c.recording_id = :recordingId AND c.ended_at IS NULL', { recordingId })
        .getOneOrFail();
    });
  }

  /** Opens checks that are due, longest due first, as long as few are open. @returns how many */
  async openDue(): Promise<number> {
    return this.unitOfWork.run(async (tx) => {
      const [lock] = await tx.query<{ ours: boolean }[]>('SELECT pg_try_advisory_xact_lock($1) AS ours', [OPENING_LOCK]);
      if (lock?.ours !== true) return 0;
      const [{ open } = { open: 0 }] = await tx.query<{ open: number }[]>(
        'SELECT count(*)::int AS open FROM fixity_checks WHERE ended_at IS NULL',
      );
      const due = await tx.query<{ id: string; flagged: boolean; due: Date }[]>(
        `SELECT id, flagged, fixity_due_at AS due FROM recordings r
         WHERE state = 'sealed' AND fixity_failed_at IS NULL AND fixity_due_at <= $1
           AND NOT EXISTS (SELECT FROM fixity_checks c WHERE c.recording_id = r.id AND c.ended_at IS NULL)
         ORDER BY fixity_due_at LIMIT $2`,
        [this.clock.now(), Math.max(0, MOST_OPEN - open)],
      );
      for (const { id, flagged, due: dueAt } of due) await this.open(tx, { id, flagged }, dueAt, false);
      return due.length;
    });
  }

  /**
   * Gives a time to recordings that have none, because they were sealed before there were checks, or one that is further away than the
   * period has become. @returns how many; a next call finds more
   */
  async plan(): Promise<number> {
    const latest = new Date(this.clock.now().getTime() + this.periodMs);
    const of = `SELECT id FROM recordings WHERE state = 'sealed' AND fixity_failed_at IS NULL AND`;
    // Two questions, not one with OR: each is answered by the index.
    const rows = await this.unitOfWork.reader.query<{ id: string }[]>(
      `(${of} fixity_due_at IS NULL LIMIT ${PLANNED_AT_ONCE}) UNION ALL (${of} fixity_due_at > $1 LIMIT ${PLANNED_AT_ONCE})`,
      [latest],
    );
    if (rows.length === 0) return 0;
    const ids = rows.map(({ id }) => id);
    await this.unitOfWork.reader.query(
      `UPDATE recordings r SET fixity_due_at = planned.due FROM unnest($1::uuid[], $2::timestamptz[]) AS planned (id, due)
       WHERE r.id = planned.id AND (r.fixity_due_at IS NULL OR r.fixity_due_at > $3)`,
      [ids, ids.map((id) => this.nextDue(id)), latest],
    );
    return rows.length;
  }

  /** For health. */
  async standing(): Promise<FixityStanding> {
    const late = new Date(this.clock.now().getTime() - Math.max(this.periodMs / 10, LEAST_LATENESS_MS));
    const [standing] = await this.unitOfWork.reader.query<FixityStanding[]>(
      `SELECT (SELECT count(*)::int FROM alerts WHERE acknowledged_at IS NULL AND kind = 'fixity-failed') AS failed,
        (SELECT count(*)::int FROM (SELECT FROM recordings WHERE state = 'sealed' AND fixity_failed_at IS NULL AND fixity_due_at < $1
          LIMIT ${COUNTED}) AS late) AS overdue`,
      [late],
    );
    return standing ?? { failed: 0, overdue: 0 };
  }

  /** The database lets one be open of each recording. */
  private async open(tx: Tx, recording: Pick<Recording, 'id' | 'flagged'>, dueAt: Date, awaited: boolean): Promise<void> {
    const opened = await tx.query<{ id: string }[]>(
      'INSERT INTO fixity_checks (id, recording_id, due_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id',
      [uuidv7(), recording.id, dueAt],
    );
    for (const { id } of opened)
      await this.outbox.add(tx, 'fixity', id, { recording: recording.id, flagged: recording.flagged, awaited });
  }
}
