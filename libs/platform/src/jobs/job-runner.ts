import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { JobCancelled, JOBS, WorkerDied, type JobGate, type JobHandlers } from './job-catalogue.js';
import { isExhausted, sentenceOf } from './job-failure.js';
import { shownPercent, WRITTEN_EVERY_MS } from './job-progress.rules.js';
import { startsOf, waitAfter } from './job-retry.rules.js';
import type { BegunJob, JobKey, JobRows } from './job-rows.js';

interface Running {
  readonly cancelling: AbortController;
  readonly ended: Promise<void>;
}

/** Runs jobs that somebody hands to it, each under an advisory lock on (job, ref): one that was queued twice does not run twice. */
export class JobRunner {
  private readonly logger = new Logger('JobRunner');
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly handlers: JobHandlers,
    private readonly gate: JobGate,
    private readonly rows: JobRows,
    private readonly settings: {
      readonly databaseUrl: string;
      /** Of processes that may end while they are at a job, before it is not begun any more. */
      readonly starts: number;
    },
    /** Aborted when the process is told to stop. */
    private readonly stopping: AbortSignal,
  ) {}

  /** Until it has ended, failed or been handed back. What goes wrong with the job itself is on its row, not thrown. */
  async run(key: JobKey): Promise<void> {
    const name = nameOf(key);
    if (this.stopping.aborted || this.running.has(name)) return;
    this.gate.admit(key.job, key.ref);
    const cancelling = new AbortController();
    const ended = this.locked(key, (lock) => this.begin(key, lock, cancelling));
    this.running.set(name, { cancelling, ended: ended.catch(() => undefined) });
    try {
      await ended;
    } finally {
      this.running.delete(name);
    }
  }

  /** A job that was cancelled: ended where it runs, and given up by whoever holds it. */
  async cancel(key: JobKey): Promise<void> {
    const running = this.running.get(nameOf(key));
    if (running !== undefined) return running.cancelling.abort();
    await this.locked(key, async () => {
      if (await this.rows.isCancelled(key)) await this.giveUp(key, new JobCancelled());
    });
  }

  /** When nothing runs any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  private async locked(key: JobKey, work: (lock: Client) => Promise<void>): Promise<void> {
    const lock = new Client({ connectionString: this.settings.databaseUrl });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      const { rows } = await lock.query<{ locked: boolean }>(
        'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS locked',
        [key.job, key.ref],
      );
      if (rows[0]?.locked === true) await work(lock);
    } finally {
      await lock.end();
    }
  }

  private async begin(key: JobKey, lock: Client, cancelling: AbortController): Promise<void> {
    const begun = await this.rows.begin(key);
    if (begun === undefined) return;
    if (begun.starts > startsOf(JOBS[key.job], this.settings.starts)) return this.leave(key, begun);
    const started = Date.now();
    try {
      const signal = AbortSignal.any([this.stopping, cancelling.signal]);
      await this.handlers[key.job].run(key.ref, { signal, progress: this.meter(begun.id) });
      await this.rows.done(begun.id);
      this.logger.log({ ...key, ms: Date.now() - started }, 'job done');
    } catch (thrown) {
      const aborted = cancelling.signal.aborted || this.stopping.aborted;
      if (!aborted) return this.fail(key, begun, thrown instanceof Error ? thrown : new Error(String(thrown)));
      // It may have been given up and tried again between the cancelling and the hearing of it.
      if (cancelling.signal.aborted && (await this.rows.isCancelled(key))) return this.giveUp(key, new JobCancelled());
      await this.rows.handBack(lock, begun.id).catch(() => undefined); // not counted as an attempt
    }
  }

  private async fail(key: JobKey, { id, attempts }: BegunJob, error: Error): Promise<void> {
    this.logger.error({ ...key, err: error }, 'job failed');
    await this.rows.failed(id, sentenceOf(error), waitAfter(attempts + 1, Math.random()));
    if (isExhausted(error, attempts + 1, JOBS[key.job].attempts)) await this.giveUp(key, error);
  }

  /** Poison: it is begun no more. */
  private async leave(key: JobKey, { id, starts }: BegunJob): Promise<void> {
    const error = new WorkerDied(starts - 1);
    this.logger.error(key, 'the worker ended each time that it was at this job, which is therefore parked');
    await this.rows.notBegun(id, sentenceOf(error));
    await this.giveUp(key, error);
  }

  /** Not parked as long as its failure could not be recorded. */
  private async giveUp(key: JobKey, error: Error): Promise<void> {
    await this.handlers[key.job].gaveUp(key.ref, error);
    await this.rows.parked(key);
  }

  /** @returns what notes progress */
  private meter(id: string): (percent: number) => void {
    let [shown, writtenAt] = [0, 0];
    return (reported) => {
      const next = shownPercent(shown, reported);
      if (next === shown || Date.now() - writtenAt < WRITTEN_EVERY_MS) return;
      [shown, writtenAt] = [next, Date.now()];
      this.rows.progressed(id, shown).catch(() => undefined); // only to be looked at, and the next one comes soon
    };
  }
}

function nameOf({ job, ref }: JobKey): string {
  return `${job}-${ref}`;
}
